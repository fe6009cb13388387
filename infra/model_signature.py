"""What a registered model takes and gives, as MLflow writes it down; part of the registry."""

import numpy as np
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema, TensorSpec


def signature_of(example: pd.DataFrame) -> ModelSignature:
    """Every column by name and type, none required: the model takes missing values."""
    kinds = {
        name: "double" if pd.api.types.is_numeric_dtype(dtype) else "string" for name, dtype in example.dtypes.items()
    }
    inputs = Schema([ColSpec(kind, name, required=False) for name, kind in kinds.items()])
    return ModelSignature(inputs=inputs, outputs=Schema([TensorSpec(np.dtype(np.float64), (-1, 2))]))
