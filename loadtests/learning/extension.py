"""The learning path as an extension of the console, at `/learn`."""

import os

from deploy.console.extension import ConsoleContext, Extension, NavigationLink
from deploy.devstack.settings import read_settings
from loadtests.learning.closing_pages import ClosingPages
from loadtests.learning.observing import SystemObserver
from loadtests.learning.progress import LearningProgress
from loadtests.learning.step_pages import StepPages, learn_blueprint


def build(context: ConsoleContext) -> Extension:
    """Build the pages. Notes are stored in the data folder of the demo (DATA_DIR)."""
    observer = SystemObserver(context.config, context.snapshots)
    progress = LearningProgress(read_settings(os.environ).data)
    blueprint = learn_blueprint()
    StepPages(context, observer, progress).add_to(blueprint)
    ClosingPages(context, observer, progress).add_to(blueprint)
    return Extension(blueprint, [NavigationLink("Learning path", "learn.start")])
