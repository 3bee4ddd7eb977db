"""From a recipe to a video file and the truth about it, both kept in the cache under the hash of what made them."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from tests.evaluation import recipes, sources
from tests.evaluation.recipes import (
    FADE_COLOURS,
    Caption,
    Card,
    Figure,
    Footage,
    Landscape,
    Reading,
    Recipe,
    Take,
    View,
)
from tests.evaluation.truth import Boundary, CaptionTruth, SpokenTruth, Truth
from tests.support import clips
from tests.support.clips import Picture, music, read_sound, write_clip

SOUND_RATE = 16_000
_QUALITY = {"preset": "veryfast", "crf": "21", "threads": "1"}


@dataclass(frozen=True)
class Composed:
    path: Path
    truth: Truth


def composed(recipe: Recipe) -> Composed:
    """The clip of the recipe, made now or found in the cache."""
    stem = sources.CACHE / f"{recipe.name}-{_digest(recipe)}"
    video, truth = stem.with_suffix(".mp4"), stem.with_suffix(".json")
    if not truth.exists():
        sources.CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=sources.CACHE, prefix="render-") as folder:
            known = _render(recipe, Path(folder) / video.name)
            written = Path(folder) / truth.name
            written.write_text(known.model_dump_json(indent=1))
            os.replace(Path(folder) / video.name, video)
            os.replace(written, truth)  # last: who finds the truth finds the video
    return Composed(video, Truth.model_validate_json(truth.read_text()))


def _digest(recipe: Recipe) -> str:
    code = [Path(module.__file__ or "").read_bytes() for module in (recipes, sources, clips)]
    return hashlib.sha256(b"\0".join([repr(recipe).encode(), Path(__file__).read_bytes(), *code])).hexdigest()[:16]


def _render(recipe: Recipe, path: Path) -> Truth:
    spoken, sound = _soundtrack(recipe)
    if recipe.music:
        bed = music(recipe.frames / recipe.rate, rate=SOUND_RATE) // 6
        sound = bed if sound is None else np.clip(sound.astype(np.int32) + bed, -32768, 32767).astype(np.int16)
    write_clip(path, _pictures(recipe), rate=recipe.rate, sound=sound, sound_rate=SOUND_RATE, encoder=_QUALITY)
    return Truth(
        frames=recipe.frames,
        frame_rate=recipe.rate,
        duration_ms=round(recipe.frames * 1000 / recipe.rate),
        boundaries=boundaries_of(recipe),
        captions=tuple(
            CaptionTruth(
                text=caption.text,
                start_ms=round(caption.first * 1000 / recipe.rate),
                end_ms=round(caption.end * 1000 / recipe.rate),
                size=caption.size,
                style=f"{caption.font} {caption.place}",
            )
            for caption in recipe.captions
        )
        if not any(isinstance(take.view, Footage) and take.view.clip == "trailer" for take in recipe.takes)
        else None,
        spoken=spoken,
    )


def boundaries_of(recipe: Recipe) -> tuple[Boundary, ...]:
    found: list[Boundary] = []
    at = 0
    for number, take in enumerate(recipe.takes):
        if take.fade is not None:
            # From the last frame of the leaving shot, which is empty already, to the first one of the new.
            found.append(Boundary(first=at - 1, last=at + take.fade.empty, fade=True))
            at += take.fade.empty
        elif number:
            found.append(Boundary(first=at, last=at))
        at += take.frames
    return tuple(found)


def _pictures(recipe: Recipe) -> Iterator[Picture]:
    drawn = {caption: _drawn(caption, recipe.width, recipe.height) for caption in recipe.captions}
    for number, picture in enumerate(_uncaptioned(recipe)):
        for caption, (overlay, opacity) in drawn.items():
            if caption.first <= number < caption.end:
                picture = (picture * (1 - opacity) + overlay * opacity).astype(np.uint8)
        yield picture


def _uncaptioned(recipe: Recipe) -> Iterator[Picture]:
    for number, take in enumerate(recipe.takes):
        following = recipe.takes[number + 1].fade if number + 1 < len(recipe.takes) else None
        if take.fade is not None:
            level = FADE_COLOURS[take.fade.colour]
            yield from [np.full((recipe.height, recipe.width, 3), level, np.uint8)] * take.fade.empty
        shots = _shot(take, recipe.width, recipe.height)
        for position, picture in enumerate(shots):
            if position in take.flashes:
                picture = (picture * 0.35 + 255 * 0.65).astype(np.uint8)
            if take.fade is not None and position < take.fade.coming:
                picture = _towards(picture, FADE_COLOURS[take.fade.colour], 1 - (position + 1) / take.fade.coming)
            left = take.frames - 1 - position
            if following is not None and left < following.leaving:
                picture = _towards(picture, FADE_COLOURS[following.colour], 1 - left / following.leaving)
            yield picture


def _towards(picture: Picture, level: int, share: float) -> Picture:
    return (picture * (1 - share) + level * share).astype(np.uint8)


def _shot(take: Take, width: int, height: int) -> Iterator[Picture]:
    view: View = take.view
    match view:
        case Footage():
            yield from _footage(view, take.frames, width, height)
        case Landscape():
            yield from _landscape(view, take.frames, width, height)
        case Figure():
            yield from (_figure(view, number, width, height) for number in range(take.frames))
        case Card():
            yield from [np.full((height, width, 3), view.colour, np.uint8)] * take.frames


def _footage(view: Footage, frames: int, width: int, height: int) -> Iterator[Picture]:
    last = None
    for picture in _decoded(view.clip, view.first, view.first + frames):
        last = _graded(_framed(picture, view, width, height), view)
        frames -= 1
        yield last
    # A fade may need a take that is longer than the shot it is from: its last picture stands.
    assert last is not None, view
    yield from [last] * frames


def _decoded(clip: str, first: int, end: int) -> Iterator[Picture]:
    with av.open(str(sources.footage(clip))) as container:
        (stream,) = container.streams.video
        assert stream.average_rate is not None
        assert stream.time_base is not None
        stream.thread_type = "AUTO"
        ticks_a_frame = 1 / (stream.average_rate * stream.time_base)
        container.seek(round(first * ticks_a_frame), stream=stream)
        for frame in container.decode(stream):
            assert frame.pts is not None
            number = round((frame.pts - (stream.start_time or 0)) / ticks_a_frame)
            if number >= end:
                return
            if number >= first:
                yield frame.to_ndarray(format="rgb24").astype(np.uint8)


def _framed(picture: Picture, view: Footage, width: int, height: int) -> Picture:
    """The middle of the picture, filling the frame."""
    rows, columns = picture.shape[:2]
    scale = max(width / columns, height / rows) * view.zoom
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    scaled = cv2.resize(picture, (round(columns * scale), round(rows * scale)), interpolation=interpolation)
    top, left = (scaled.shape[0] - height) // 2, (scaled.shape[1] - width) // 2
    cropped = scaled[top : top + height, left : left + width]
    return np.ascontiguousarray(cropped[:, ::-1] if view.mirrored else cropped).astype(np.uint8)


def _graded(picture: Picture, view: Footage) -> Picture:
    match view.grade:
        case "plain":
            return picture
        case "warm":
            factors = (1.1, 1.0, 0.8)
        case "cool":
            factors = (0.85, 1.0, 1.15)
        case "dim":
            factors = (0.45, 0.45, 0.45)
        case "mono":
            grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
            return np.repeat(grey[:, :, None], 3, axis=2).astype(np.uint8)
    graded: Picture = np.clip(picture * np.array(factors), 0, 255).astype(np.uint8)
    return graded


def _landscape(view: Landscape, frames: int, width: int, height: int) -> Iterator[Picture]:
    """A sky, ridges of hills before one another, and trees, in colours of their own for each seed."""
    random = np.random.default_rng(view.seed)
    span = width + round(view.pan * frames)
    sky, ground = random.integers(90, 250, 3), random.integers(20, 170, 3)
    rows, columns = np.arange(height)[:, None, None], np.arange(span)
    brightening = rows / height / 2
    land = ((sky * (1 - brightening) + 255 * brightening) * np.ones((1, span, 1))).astype(np.float32)
    ridges = int(random.integers(2, 5))
    for ridge in range(ridges):
        waves = sum(
            random.uniform(0.02, 0.08) * np.sin(columns / width * random.uniform(2, 25) + random.uniform(0, 6))
            for _ in range(4)
        )
        top = height * (random.uniform(0.25, 0.45) + 0.5 * ridge / ridges + waves)
        colour = ground * (0.6 + 0.6 * ridge / ridges) + random.integers(-25, 25, 3)
        land = np.where(rows >= np.asarray(top)[None, :, None], colour, land).astype(np.float32)
    for _ in range(int(random.integers(0, 9)) * span // width):
        at = int(random.integers(0, span)), int(height * random.uniform(0.4, 0.95))
        colour = random.integers(0, 200, 3).tolist()
        cv2.ellipse(land, at, (height // 14, height // int(random.integers(5, 10))), 0, 0, 360, colour, -1)
    for number in range(frames):
        offset = round(view.pan * number)
        picture = land[:, offset : offset + width] * np.float32(view.brightness)
        if view.grain:
            picture = picture + view.grain * random.standard_normal(picture.shape, dtype=np.float32)
        yield np.clip(picture, 0, 255).astype(np.uint8)


def _figure(view: Figure, number: int, width: int, height: int) -> Picture:
    random = np.random.default_rng(view.seed)
    first, second = random.integers(0, 256, (2, 3))
    speed = random.uniform(0.5, 4)
    rows, columns = np.mgrid[0:height, 0:width]
    mask: NDArray[np.float64]
    match view.pattern:
        case "bars":
            colours = random.integers(0, 256, (8, 3))
            bars: Picture = colours[(columns * 8 // width + int(number * speed / 12)) % 8].astype(np.uint8)
            return bars
        case "checkers":
            side = int(random.integers(20, 80))
            shift = int(number * speed)
            mask = (((columns + shift) // side + rows // side) % 2).astype(np.float64)
        case "rings":
            distance = np.hypot(columns - width / 2, rows - height / 2)
            mask = 0.5 + 0.5 * np.sin(distance / random.uniform(8, 30) - number * speed / 10)
        case "sweep":
            mask = ((columns / width + number * speed / 200) % 1.0).astype(np.float64)
        case "dots":
            mask = np.zeros((height, width))
            starts = random.uniform(0, 1, (60, 4))
            for x, y, dx, dy in starts:
                at = int((x + dx * number / 60) % 1 * width), int((y + dy * number / 60) % 1 * height)
                cv2.circle(mask, at, height // 30, 1.0, -1)
        case "clock":
            mask = np.zeros((height, width))
            centre, radius = (width // 2, height // 2), height // 3
            cv2.circle(mask, centre, radius, 1.0, height // 60)
            angle = number * speed / 15
            tip = int(centre[0] + radius * np.sin(angle)), int(centre[1] - radius * np.cos(angle))
            cv2.line(mask, centre, tip, 1.0, height // 40)
        case "static":
            mask = np.random.default_rng((view.seed, number)).uniform(0, 1, (height, width))
    picture: Picture = (first * (1 - mask[..., None]) + second * mask[..., None]).astype(np.uint8)
    return picture


def _drawn(caption: Caption, width: int, height: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """The caption as a picture and how much of it covers what lies below."""
    typeface = _typeface(caption.font, round(caption.size * height * 1.35))
    layer = Image.new("RGBA", (width, height), (0, 0, 0, 0))
    pen = ImageDraw.Draw(layer)
    edge = 0 if caption.plate else max(1, round(typeface.size / 14))
    left, top, right, bottom = pen.multiline_textbbox((0, 0), caption.text, typeface, stroke_width=edge, align="center")
    wide, high = right - left, bottom - top
    margin = height // 14
    assert wide <= width - margin, f"“{caption.text}” is wider than the picture"
    x = {"left": margin, "right": width - margin - wide}.get(caption.place.rpartition("-")[2], (width - wide) / 2)
    row = caption.place.partition("-")[0]
    y = {"top": margin, "upper": margin, "centre": (height - high) / 2}.get(row, height - margin - high)
    if caption.plate is not None:
        pad = typeface.size // 3
        pen.rectangle((x - pad, y - pad, x + wide + pad, y + high + pad), fill=(*caption.plate, 255))
    pen.multiline_text(
        (x - left, y - top),
        caption.text,
        (*caption.colour, 255),
        typeface,
        align="center",
        stroke_width=edge,
        stroke_fill=(0, 0, 0, 255) if sum(caption.colour) > 380 else (255, 255, 255, 255),
    )
    pixels = np.asarray(layer)
    return pixels[..., :3], (pixels[..., 3:] / 255).astype(np.float32)


@cache
def _typeface(name: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(sources.font(name)), size)


def _soundtrack(recipe: Recipe) -> tuple[tuple[SpokenTruth, ...], NDArray[np.int16] | None]:
    """What is said when, and the sound as long as the pictures. Raises where it doesn't fit beside them."""
    if not recipe.spoken:
        return (), None
    sound = np.zeros(recipe.frames * SOUND_RATE // recipe.rate, np.int16)
    at = recipe.speech_from_ms * SOUND_RATE // 1000
    spoken: list[SpokenTruth] = []
    for one in recipe.spoken:
        if isinstance(one, Reading):
            path, text = sources.recording(one.name)
            samples = read_sound(path)
        else:
            samples, text = sources.speech(one.voice, one.text), one.text
        end = at + samples.size
        if end > sound.size:
            raise ValueError(f"{recipe.name}: the speech takes {end / SOUND_RATE:.1f} s and more, the pictures fewer")
        sound[at:end] = samples
        spoken.append(
            SpokenTruth(text=text, start_ms=round(at * 1000 / SOUND_RATE), end_ms=round(end * 1000 / SOUND_RATE))
        )
        at = end + recipe.pause_ms * SOUND_RATE // 1000
    return tuple(spoken), sound
