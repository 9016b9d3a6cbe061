"""Faults that are made on a real Asterisk, one at a time, and what the doctor has to say of each."""
