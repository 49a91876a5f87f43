"""Having FRR run what its files say."""
