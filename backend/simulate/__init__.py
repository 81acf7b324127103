"""Software devices that live a city's day: the demo street and simulations of whole plans."""
