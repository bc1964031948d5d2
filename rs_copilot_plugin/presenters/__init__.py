"""What the panels know and decide, without Qt: state machines that views draw and tests drive."""
