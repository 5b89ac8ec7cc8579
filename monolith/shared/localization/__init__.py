"""Languages of people: texts from gettext catalogues, and dates, times and money by locale."""

from monolith.shared.localization import formats as formats
from monolith.shared.localization.catalogs import N_, texts
from monolith.shared.localization.languages import LANGUAGES, SOURCE, Language, as_language

__all__ = ["LANGUAGES", "N_", "SOURCE", "Language", "as_language", "texts"]
