"""Orders as files bring them: CSV, JSON and Loggi's format, read into `core.orders.NewOrder`. Every bad row keeps its
reason; good rows load."""
