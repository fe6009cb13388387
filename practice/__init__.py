"""How people learn on it: drills, incident cards, the tour, interview questions, the score card."""
