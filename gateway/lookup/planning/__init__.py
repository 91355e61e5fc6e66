"""The cheapest right order, thought out: nothing here reads a store, a clock or a provider."""
