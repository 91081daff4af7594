"""Where rows come from: one module for each upstream."""
