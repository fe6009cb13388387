"""A minimal FastAPI service: one `async def`, a pydantic model in and out, ONNX Runtime. No log, metrics or reasons."""

from fastapi import FastAPI
from pydantic import BaseModel

from benchmarks.serving_peers.onnx_model import Features, load_session, probability

app = FastAPI()
session = load_session()


class Prediction(BaseModel):
    """The answer."""

    probability_late: float


@app.post("/predict")
async def predict(flight: Features) -> Prediction:
    """The probability of one flight."""
    return Prediction(probability_late=probability(session, [flight])[0])


@app.get("/readyz")
async def ready() -> None:
    """That it answers."""
