"""The demo's video: the trailer with its pictures as they are, and over its music the opening of a novel, read aloud.

So there is something to see, to read and to hear, and all three are known.
"""

import os
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.container import OutputContainer
from numpy.typing import NDArray

from infra.local.clips import trailer, two_cities

TITLE = "Big Buck Bunny, the trailer, read over"
ATTRIBUTION = (
    "Big Buck Bunny, (c) 2008 Blender Foundation, www.bigbuckbunny.org, CC-BY 3.0; "
    "read over it: Charles Dickens, A Tale of Two Cities"
)
READING_STARTS_MS = 5_000

_RATE = 44_100
# How loud the music is while somebody reads, and how quickly it gives way.
_UNDERNEATH = 0.08
_GIVES_WAY_SECONDS = 0.4


def make_video(folder: Path) -> Path:
    """The video, made anew in `folder`. Raises `ClipUnavailable` where its parts can't be had."""
    pictures, (reading, _) = trailer(), two_cities()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "trailer_read_over.mp4"
    # Under another name first: whoever is stopped meanwhile leaves no half of a video.
    unfinished = path.with_name(f"{path.stem}.{os.getpid()}.mp4")
    try:
        with av.open(str(unfinished), "w") as output:
            _write(output, pictures, _mixed(_sound(pictures), _sound(reading)))
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def _sound(path: Path) -> NDArray[np.float32]:
    """What a file sounds like, in one channel."""
    resampler = AudioResampler(format="flt", layout="mono", rate=_RATE)
    with av.open(str(path)) as source:
        frames = [*source.decode(audio=0), None]
        return np.concatenate([part.to_ndarray()[0] for frame in frames for part in resampler.resample(frame)])


def _mixed(music: NDArray[np.float32], reading: NDArray[np.float32]) -> NDArray[np.float32]:
    begin = READING_STARTS_MS * _RATE // 1000
    end = min(begin + len(reading), len(music))
    ramp = round(_GIVES_WAY_SECONDS * _RATE)
    loudness = np.interp(
        np.arange(len(music)), (begin - ramp, begin, end, end + ramp), (1.0, _UNDERNEATH, _UNDERNEATH, 1.0)
    )
    mixed = music * loudness.astype(np.float32)
    mixed[begin:end] += reading[: end - begin]
    return np.clip(mixed, -1.0, 1.0)


def _write(output: OutputContainer, pictures: Path, sound: NDArray[np.float32]) -> None:
    with av.open(str(pictures)) as source:
        film = output.add_stream_from_template(source.streams.video[0])
        voice = output.add_stream("aac", rate=_RATE, layout="mono")
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = film
                output.mux(packet)
    heard = AudioFrame.from_ndarray(sound[None, :], format="flt", layout="mono")
    heard.sample_rate, heard.pts = _RATE, 0
    fitted = AudioResampler(format=voice.format, layout="mono", rate=_RATE, frame_size=voice.frame_size)
    for part in (*fitted.resample(heard), *fitted.resample(None)):
        output.mux(voice.encode(part))
    output.mux(voice.encode(None))
