"""EMS on one machine: its single address, the couriers' work, and the operator's desk. Everything is in memory."""
