"""What an integrator would write by hand: FastAPI, pydantic, the SQLAlchemy ORM, on uvicorn."""
