"""The command tree of `archcast`; the command modules import the server's packages only when they run."""

import typer

from service.cli import accuracies, bench, devices, imports, keys, models, train
from service.cli.encode import encode
from service.cli.label import label
from service.cli.measure import measure
from service.cli.migrate import migrate
from service.cli.predict import predict
from service.cli.predictor import predictor
from service.cli.proxies import proxies
from service.cli.prune import prune
from service.cli.refit import refit
from service.cli.search import search
from service.cli.serve import serve
from service.cli.simulate import simulate
from service.cli.suggest import suggest
from service.cli.synthesise import synthesise
from service.cli.targets import targets
from service.cli.upload import upload
from service.cli.version import version
from service.cli.worker import worker

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Forecast what neural architectures cost on a device and find the ones worth building.",
    epilog="ARCHCAST_DATA_DIR and ARCHCAST_DATABASE_URL say where the data is.",
)
app.command()(serve)
app.command()(worker)
app.command()(migrate)
app.add_typer(imports.app, name="import")
app.add_typer(keys.app, name="keys")
app.add_typer(devices.app, name="devices")
app.add_typer(accuracies.app, name="accuracies")
app.add_typer(models.app, name="models")
app.command()(suggest)
app.command()(measure)
app.command()(upload)
app.command()(predict)
app.command()(predictor)
app.command()(refit)
app.command()(search)
app.command()(targets)
app.command()(simulate)
app.command()(synthesise)
app.command()(label)
app.add_typer(train.app, name="train")
app.add_typer(bench.app, name="bench")
app.command()(encode)
app.command()(proxies)
app.command()(prune)
app.command()(version)
