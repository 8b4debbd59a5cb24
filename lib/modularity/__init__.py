"""Do neurons of a Transformer specialise, and do experts gather them? For any model and any labelled sentences."""
