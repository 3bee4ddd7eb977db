"""Small clips made on the spot, whose contents are therefore known."""

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from functions.analysis.frames import Frame, Scalers
from functions.analysis.sound import SAMPLE_RATE, Sound

Picture = NDArray[np.uint8]
"""RGB."""


def scene(
    seed: int,
    frames: int,
    *,
    width: int = 320,
    height: int = 180,
    pan: float = 0.0,
    grain: float = 0.0,
    brightness: float = 1.0,
) -> list[Picture]:
    """A take: a landscape of soft random colours that the camera pans over, `pan` pixels a frame, with film grain."""
    random = np.random.default_rng(seed)
    span = width + int(abs(pan) * frames) + 1
    coarse = random.integers(20, 236, (max(3, height // 30), max(4, span // 30), 3)).astype(np.uint8)
    land = cv2.resize(coarse, (span, height), interpolation=cv2.INTER_CUBIC)
    pictures = []
    for number in range(frames):
        offset = int(abs(pan) * number)
        view = land[:, offset : offset + width].astype(np.float32) * brightness
        if grain:
            view = view + random.normal(0, grain, view.shape)
        pictures.append(np.clip(view, 0, 255).astype(np.uint8))
    return pictures if pan >= 0 else pictures[::-1]


def plain(colour: tuple[int, int, int], frames: int, *, width: int = 320, height: int = 180) -> list[Picture]:
    return [np.full((height, width, 3), colour, dtype=np.uint8)] * frames


def faded(pictures: Sequence[Picture], *, leaving: bool, colour: int = 0) -> list[Picture]:
    """The pictures, going to (or coming from) one colour from the first to the last."""
    shares = np.linspace(1.0, 0.0, len(pictures))
    return [
        (picture * share + colour * (1 - share)).astype(np.uint8)
        for picture, share in zip(pictures, shares if leaving else shares[::-1], strict=True)
    ]


def captioned(pictures: Iterable[Picture], text: str, *, scale: float = 0.7) -> list[Picture]:
    result = []
    for picture in pictures:
        drawn = picture.copy()
        height, width = drawn.shape[:2]
        (text_width, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 2)
        place = ((width - text_width) // 2, height // 2)
        cv2.putText(drawn, text, place, cv2.FONT_HERSHEY_SIMPLEX, scale, (0, 0, 0), 5, cv2.LINE_AA)
        cv2.putText(drawn, text, place, cv2.FONT_HERSHEY_SIMPLEX, scale, (255, 255, 255), 2, cv2.LINE_AA)
        result.append(drawn)
    return result


def frames_of(pictures: Iterable[Picture], rate: float = 24.0) -> Iterator[Frame]:
    """The pictures as if they had been decoded."""
    scalers = Scalers()
    for index, picture in enumerate(pictures):
        yield Frame(index, round(index * 1000 / rate), av.VideoFrame.from_ndarray(picture, format="rgb24"), scalers)


def packets(samples: NDArray[np.int16], start_ms: float = 0, size: int = 1024) -> list[Sound]:
    """16 kHz sound as if it had been decoded."""
    return [
        Sound(round(start_ms + begin * 1000 / SAMPLE_RATE), samples[begin : begin + size])
        for begin in range(0, samples.size, size)
    ]


def music(seconds: float, *, rate: int = 44_100) -> NDArray[np.int16]:
    """Chords with a beat: nobody speaks."""
    chords = [(220.0, 277.2, 329.6), (196.0, 246.9, 293.7), (174.6, 220.0, 261.6), (246.9, 311.1, 370.0)]
    time = np.arange(rate // 2) / rate
    envelope = np.exp(-4 * time)
    beats = [
        envelope * sum(np.sin(2 * np.pi * note * time) + 0.4 * np.sin(4 * np.pi * note * time) for note in chord)
        for chord in chords
        for _ in range(4)
    ]
    phrase = np.concatenate(beats)
    sound = np.resize(phrase / np.abs(phrase).max() * 20_000, int(seconds * rate))
    return sound.astype(np.int16)


def sung(notes: Sequence[float], seconds: float) -> NDArray[np.int16]:
    """An "ah" on each note, with vibrato: pulses of a voice through the resonances of a mouth (Fant, 1960).

    `notes` are pitches in Hz, each held for `seconds`; 16 kHz.
    """
    count = int(seconds * SAMPLE_RATE)
    time = np.arange(count) / SAMPLE_RATE
    frequencies = np.fft.rfftfreq(count, 1 / SAMPLE_RATE)
    resonances = ((700, 80, 1.0), (1220, 90, 0.5), (2600, 120, 0.25), (3300, 150, 0.15))
    mouth = sum(share / (1 + ((frequencies - middle) / width) ** 2) for middle, width, share in resonances)
    tune = []
    for note in notes:
        pitch = note * (1 + 0.012 * np.sin(2 * np.pi * 5.5 * time) * np.minimum(1, 4 * time))
        phase = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE
        pulses = sum(np.cos(number * phase) / number for number in range(1, int(7000 / note)))
        swell = np.minimum(1, np.minimum(time, seconds - time) / 0.05)
        tune.append(np.fft.irfft(np.fft.rfft(pulses) * mouth, count) * swell)
    voice = np.concatenate(tune)
    samples: NDArray[np.int16] = (voice / np.abs(voice).max() * 12_000).astype(np.int16)
    return samples


def read_sound(path: Path) -> NDArray[np.int16]:
    """A sound file as 16 kHz mono."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
    with av.open(str(path)) as container:
        pieces = [
            np.asarray(piece.to_ndarray(), dtype=np.int16).reshape(-1)
            for frame in container.decode(audio=0)
            for piece in resampler.resample(frame)
        ]
    samples: NDArray[np.int16] = np.concatenate(pieces)
    return samples


def write_clip(
    path: Path,
    pictures: Iterable[Picture],
    *,
    rate: int = 24,
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    sound: NDArray[np.int16] | None = None,
    sound_rate: int = 44_100,
    times_ms: Sequence[int] | None = None,
    options: dict[str, str] | None = None,
    encoder: dict[str, str] | None = None,
) -> Path:
    """A video file. `times_ms` gives each frame its own time instead of a steady rate.

    `options` are the container's, `encoder` the codec's.
    """
    with av.open(str(path), "w", options=options or {}) as container:
        quick = {"preset": "ultrafast"} if codec == "libx264" else {}
        stream = container.add_stream(codec, rate=rate, options=quick if encoder is None else encoder)
        assert isinstance(stream, av.VideoStream)
        stream.pix_fmt = pixel_format
        if times_ms is not None:
            stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        audio = container.add_stream("aac", rate=sound_rate, layout="mono") if sound is not None else None
        for index, picture in enumerate(pictures):
            if index == 0:
                stream.height, stream.width = picture.shape[:2]
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            if times_ms is not None:
                frame.pts, frame.time_base = times_ms[index], Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if audio is not None and sound is not None:
            for start in range(0, sound.size, 1024):
                piece = av.AudioFrame.from_ndarray(sound[None, start : start + 1024], format="s16", layout="mono")
                piece.rate, piece.pts, piece.time_base = sound_rate, start, Fraction(1, sound_rate)
                container.mux(audio.encode(piece))
            container.mux(audio.encode(None))
    return path


def write_sound(path: Path, sound: NDArray[np.int16], *, rate: int = 44_100) -> Path:
    """A file with a sound track and nothing else."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=rate, layout="mono")
        for start in range(0, sound.size, 1024):
            piece = av.AudioFrame.from_ndarray(sound[None, start : start + 1024], format="s16", layout="mono")
            piece.rate, piece.pts, piece.time_base = rate, start, Fraction(1, rate)
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return path


def synthetic_cuts(path: Path, shots: int = 4, frames_each: int = 24) -> tuple[Path, list[int]]:
    """A clip of `shots` takes at 24 frames a second, and the frames at which it cuts."""
    pictures = [picture for seed in range(shots) for picture in scene(seed + 1, frames_each, pan=1)]
    return write_clip(path, pictures), [frames_each * number for number in range(1, shots)]
