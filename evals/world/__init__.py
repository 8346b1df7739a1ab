"""The simulated world: streets, depots, vans, drivers, customers and incidents, all drawn from a seed.

It knows the API and nothing behind it, as real drivers and telematics would; it never imports api, tools or agent.
"""
