"""Control: observations and conditions that pull members towards them, at the start and during a forecast."""
