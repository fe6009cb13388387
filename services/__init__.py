"""WHAT ANSWERS: the BentoML service, its messages, its features. No Prefect, MLflow, GX or Evidently in here."""
