// Texts whose contrast is below 4.5 to 1 (WCAG 2.2, 1.4.3), with their colours.
() => {
  const parse = (color) => {
    const [red, green, blue, alpha = 1] = color.match(/[\d.]+/g).map(Number);
    return { rgb: [red, green, blue], alpha };
  };
  const over = (top, alpha, below) => top.map((value, at) => value * alpha + below[at] * (1 - alpha));
  const background = (element) => {
    if (!element) return [255, 255, 255];
    const { rgb, alpha } = parse(getComputedStyle(element).backgroundColor);
    return alpha === 1 ? rgb : over(rgb, alpha, background(element.parentElement));
  };
  const opacity = (element) => (element ? Number(getComputedStyle(element).opacity) * opacity(element.parentElement) : 1);
  const luminance = (rgb) => {
    const [red, green, blue] = rgb.map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const contrast = (one, other) => {
    const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  };
  const hasOwnText = (element) =>
    [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim());
  const isSeen = (element) =>
    element.checkVisibility() && !element.closest(".unseen, :disabled, script, style, head, option");
  return [...document.body.querySelectorAll("*")]
    .filter((element) => hasOwnText(element) && isSeen(element))
    .map((element) => {
      const behind = background(element);
      const { rgb, alpha } = parse(getComputedStyle(element).color);
      const ratio = contrast(over(rgb, alpha * opacity(element), behind), behind);
      return { ratio, text: `${ratio.toFixed(2)} ${element.tagName}.${element.className}: ${element.textContent.trim()}` };
    })
    .filter(({ ratio }) => ratio < 4.5)
    .map(({ text }) => text);
}
