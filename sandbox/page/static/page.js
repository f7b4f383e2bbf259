// The chat page: on one side the customer's phone, on the other the agent's desk. Both look at one world.

import { Desk } from "./desk.js";
import { byId, setText } from "./dom.js";
import { Log } from "./log.js";
import { Phone } from "./phone.js";
import { Switches } from "./switches.js";
import { World } from "./world.js";

const world = new World();
const phone = new Phone(world);
const desk = new Desk(world);
const switches = new Switches(() => phone.lastToldMessage);

world.addEventListener("change", () => {
  phone.draw();
  desk.draw();
  if (byId("switches").open) switches.draw();
});

world.addEventListener("connection", ({ detail: isConnected }) => {
  setText(byId("live"), isConnected ? "live" : "no connection");
  byId("live").dataset.is = isConnected ? "live" : "lost";
  if (isConnected) {
    setText(byId("where"), `${world.state.account.name} · Chatwoot ${world.state.version}`);
    switches.draw();
  }
});

byId("switches").addEventListener("toggle", () => switches.draw());

const sides = [...document.querySelectorAll(".sides button")];

/** Where both sides do not fit, one is shown. */
function show(side) {
  document.body.dataset.side = side;
  for (const button of sides) button.setAttribute("aria-pressed", String(button.dataset.side === side));
  if (world.state) desk.draw();
}

for (const button of sides) button.addEventListener("click", () => show(button.dataset.side));

new Log();
world.follow();
