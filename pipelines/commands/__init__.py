"""The commands, by what they are about; each hands its options to a plain step or a flow."""
