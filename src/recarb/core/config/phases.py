"""Spin-up, warm-up and the choices of the model; the phase ahead is in `forward`."""

from pydantic import Field

from recarb.core.config.fields import ByClass, Model, Years


class SpinUp(Model):
    """Phase 1: the climate under which the mapped stock is taken as in equilibrium."""

    climate: str
    years: Years | None = None


class WarmUp(Model):
    """Phase 2: from the year of the SOC map to t0, year by year."""

    climate: str
    years: Years


class NppReference(Model):
    """Reference years of the NPP ratio; by default those of the spin-up."""

    years: Years | None = None
    irrigation_counts_as_rain: bool = False


class Choices(Model):
    """Choices of the model beside RothC's own parameters."""

    depth_cm: float = Field(default=30.0, gt=0, le=100)
    soc_year: int = 2000
    lapse_rate_c_per_km: float = -6.5
    climate_fill_km: float = Field(default=60.0, ge=0)  # nearest valid climate cell, own judgement
    modelled_land_use: tuple[int, ...] | None = None
    dpm_rpm: ByClass = {}
    crop_calendar: dict[str, tuple[int, ...]] = {}  # class -> cropped months 1..12
    crop_rain_to_pet: float = 0.5  # cropped where P > 0.5 PET, own judgement
    crop_min_temperature_c: float = 5.0  # and T > 5 degC, own judgement
    input_share: dict[str, tuple[float, ...]] = {}  # class -> 12 monthly shares of the annual input
    rothc: dict[str, float] = {}  # RothC parameters to change, by name
