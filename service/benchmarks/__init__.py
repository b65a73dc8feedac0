"""Published protocols as commands: what needs measurements, predictors and spaces together."""
