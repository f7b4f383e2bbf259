"""Whose a conversation is, the bot's or people's: decided here and nowhere else."""
