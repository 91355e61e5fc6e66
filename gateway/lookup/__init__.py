"""One question, asked of several providers in order until an answer is good enough."""
