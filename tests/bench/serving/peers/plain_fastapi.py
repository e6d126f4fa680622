"""What one writes first: FastAPI, pydantic, a plain `def`."""

from typing import Any

from fastapi import FastAPI
from loaded import by_name, predict
from pydantic import BaseModel

Row = dict[str, Any] if by_name else list[float]


class Request(BaseModel):
    instances: list[Row]


class Answer(BaseModel):
    predictions: list[int]


app = FastAPI()


@app.post("/predict")
def answer(request: Request) -> Answer:
    return Answer(predictions=predict(request.instances))
