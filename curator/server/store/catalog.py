"""The models that can be asked: base models on disk, tuned models and checkpoints of the database."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curator import paths
from curator.basemodels.shelf import has_weights
from curator.server.errors import no_such_model
from curator.server.settings import ServerSettings
from curator.server.store.database import Database
from curator.server.store.job import ORGANIZATION


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model that can be asked: a base model in folder `path`, with the adapter in folder `adapter` if it is
    tuned."""

    name: str
    created: int
    base: str
    path: Path
    adapter: Path | None = None

    def view(self, alias: str | None = None) -> dict[str, Any]:
        """The API's Model object, under its own name or an alias."""
        owner = "curator" if self.adapter is None else ORGANIZATION
        return {
            "id": alias or self.name,
            "object": "model",
            "created": self.created,
            "owned_by": owner,
            "shutdown_date": None,
        }


class Catalog:
    """Finds and deletes models. All methods block on the disk."""

    def __init__(self, db: Database, settings: ServerSettings) -> None:
        self._db = db
        self._settings = settings

    def base_models(self) -> dict[str, ServedModel]:
        """The base models by name: folders of the models folder that hold weights, and those of the settings."""
        root = self._settings.models or paths.models_dir()
        folders = [(folder.name, folder) for folder in sorted(root.iterdir())] if root.is_dir() else []
        return {
            name: ServedModel(name, int(folder.stat().st_mtime), name, folder)
            for name, folder in (*folders, *self._settings.extra_models)
            if name[0] != "." and has_weights(folder)
        }

    def tuned_models(self) -> list[ServedModel]:
        """The tuned models and checkpoints whose base model is on this machine, oldest first."""
        bases = self.base_models()
        rows = self._db.rows(
            "SELECT name, base, path, created_at, job_id FROM models UNION ALL "
            "SELECT c.name, j.model, c.path, c.created_at, c.job_id FROM checkpoints c "
            "JOIN jobs j ON j.id = c.job_id WHERE c.name <> j.name ORDER BY created_at"
        )
        return [
            ServedModel(row["name"], row["created_at"], row["base"], bases[row["base"]].path, self._adapter(row))
            for row in rows
            if row["base"] in bases
        ]

    def _adapter(self, row: Any) -> Path:
        return self._settings.jobs / str(row["job_id"]) / str(row["path"])

    def all_models(self) -> list[ServedModel]:
        """All models, base models first."""
        return [*self.base_models().values(), *self.tuned_models()]

    def get(self, name: str) -> ServedModel:
        """The model of this name or alias; its `name` is its own. Raises ApiError 404."""
        models = {model.name: model for model in reversed(self.all_models())}
        served = models.get(self._own_name(name, models))
        if served is None:
            raise no_such_model(name)
        return served

    def base_model(self, name: str) -> ServedModel | None:
        """The base model of this name or alias; None if there is none."""
        bases = self.base_models()
        return bases.get(self._own_name(name, bases))

    def aliases(self) -> dict[str, ServedModel]:
        """The models that have another name, by that name."""
        models = {model.name: model for model in reversed(self.all_models())}
        named = {name: models.get(model) for name, model in self._settings.aliases if name != "*"}
        return {name: model for name, model in named.items() if model is not None and name not in models}

    def _own_name(self, name: str, models: Mapping[str, ServedModel]) -> str:
        """The own name of the model that a client means by `name`; `name` itself if it is one of `models`."""
        aliases = dict(self._settings.aliases)
        return name if name in models else aliases.get(name, aliases.get("*", name))

    def training_of(self, model: ServedModel) -> dict[str, Any]:
        """What is known of a tuned model's training: columns of its job, and the path of its training file, which
        may be gone. Empty for a base model."""
        row = self._db.row(
            "SELECT method, seed, engine, hyperparameters, training_file, trained_tokens, finished_at FROM jobs "
            "WHERE id IN (SELECT job_id FROM models WHERE name=? "
            "UNION SELECT job_id FROM checkpoints WHERE name=?)",
            model.name,
            model.name,
        )
        if row is None:
            return {}
        return {**dict(row), "training_file": self._settings.files / str(row["training_file"])}

    def delete(self, model: ServedModel) -> None:
        """Delete a tuned model or checkpoint: its row, then its adapter's folder."""
        with self._db.transaction() as db:
            db.execute("DELETE FROM models WHERE name=?", (model.name,))
            db.execute("DELETE FROM checkpoints WHERE name=?", (model.name,))
        if model.adapter is not None:
            shutil.rmtree(model.adapter, ignore_errors=True)
