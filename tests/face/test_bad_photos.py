"""What officers really send: covered faces, drawings, grey and infrared pictures, tiny and huge ones, turned phones."""

from __future__ import annotations

import io

import numpy as np
import pytest
import skimage.data
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFilter

from limen.errors import BadImage
from limen.face import FaceExtractor
from limen.face.extract import FaceResult
from limen.images import Image, decode
from limen.reasons import Reason

EYES, NOSE, CHIN = ((200, 101), (247, 102)), (222, 128), (226, 178)  # of the portrait, pixels


@pytest.fixture(scope="module")
def extractor() -> FaceExtractor:
    made = FaceExtractor()
    made.warm()
    return made


@pytest.fixture
def portrait() -> Pillow.Image:
    return Pillow.fromarray(skimage.data.astronaut())


def _extract(extractor: FaceExtractor, picture: Pillow.Image) -> FaceResult:
    return extractor.extract(Image(np.asarray(picture.convert("RGB")), None, "png"))


def _likeness(one: FaceResult, other: FaceResult) -> float:
    assert one.template is not None and other.template is not None
    return float(one.template.vector @ other.template.vector)


def test_sunglasses_are_seen(extractor: FaceExtractor, portrait: Pillow.Image) -> None:
    clear = _extract(extractor, portrait)
    pen = ImageDraw.Draw(portrait)
    for x, y in EYES:
        pen.ellipse((x - 21, y - 14, x + 21, y + 15), fill=(12, 12, 16))
    pen.line((*EYES[0], *EYES[1]), fill=(12, 12, 16), width=4)
    covered = _extract(extractor, portrait)
    assert Reason.FACE_COVERED not in clear.reasons
    assert Reason.FACE_COVERED in covered.reasons or covered.template is None
    assert covered.quality < clear.quality


@pytest.mark.parametrize("colour", [(120, 175, 205), (232, 232, 232), (28, 28, 30)])
def test_a_mask_is_seen(extractor: FaceExtractor, portrait: Pillow.Image, colour: tuple[int, int, int]) -> None:
    pen = ImageDraw.Draw(portrait)
    outline = [(184, 124), NOSE, (262, 124), (258, 160), CHIN, (192, 160)]
    pen.polygon([(x, y) for x, y in outline], fill=colour)
    covered = _extract(extractor, portrait)
    assert covered.template is None or Reason.FACE_COVERED in covered.reasons


def test_a_drawing_is_refused_or_said_to_be_poor(extractor: FaceExtractor) -> None:
    paper = Pillow.new("RGB", (480, 480), "white")
    pen = ImageDraw.Draw(paper)
    pen.ellipse((120, 60, 360, 400), outline="black", width=4)
    for x in (190, 290):
        pen.ellipse((x - 28, 185, x + 28, 215), outline="black", width=3)
        pen.ellipse((x - 9, 191, x + 9, 209), fill="black")
        pen.arc((x - 36, 155, x + 36, 195), 200, 340, fill="black", width=4)
    pen.line((240, 215, 228, 270, 248, 272), fill="black", width=3)
    pen.arc((190, 290, 290, 340), 20, 160, fill="black", width=5)
    found = _extract(extractor, paper)
    assert found.template is None or (found.quality < 30 and Reason.FACE_UNCLEAR in found.reasons)


def test_a_pencil_copy_of_a_photo_is_worth_less_than_the_photo(
    extractor: FaceExtractor, portrait: Pillow.Image
) -> None:
    edges = portrait.convert("L").filter(ImageFilter.FIND_EDGES)
    found = _extract(extractor, Pillow.eval(edges, lambda level: 255 - level))
    clear = _extract(extractor, portrait)
    assert found.template is None or (Reason.NO_COLOUR in found.reasons and found.quality < clear.quality - 10)


def test_infrared_is_taken_and_said_to_have_no_colour(extractor: FaceExtractor, portrait: Pillow.Image) -> None:
    red = np.asarray(portrait)[..., 0].astype(float)  # skin is bright in near infrared, as in the red channel
    infrared = Pillow.fromarray(np.clip(red * 1.1 + 10, 0, 255).astype(np.uint8))
    found = _extract(extractor, infrared)
    assert Reason.NO_COLOUR in found.reasons
    assert _likeness(found, _extract(extractor, portrait)) > 0.6


@pytest.mark.parametrize("side", [30, 60])
def test_a_tiny_photo_is_refused_or_said_to_be_small(
    extractor: FaceExtractor, portrait: Pillow.Image, side: int
) -> None:
    face = portrait.crop((150, 30, 300, 210)).resize((side, side * 6 // 5))
    found = _extract(extractor, face)
    assert found.faces, "a face that fills the photo is found even at 30 pixels"
    assert Reason.FACE_TOO_SMALL in found.reasons
    if side == 30:
        assert found.faces[found.chosen].inter_eye_distance < 20


def test_a_photo_of_24_megapixels_is_searched_and_a_larger_one_refused(
    extractor: FaceExtractor, portrait: Pillow.Image
) -> None:
    large = Pillow.new("RGB", (6000, 4000), (70, 90, 80))
    large.paste(portrait.resize((1024, 1024)), (4200, 600))
    found = _extract(extractor, large)
    assert _likeness(found, _extract(extractor, portrait)) > 0.8
    assert found.faces[found.chosen].x > 4000
    out = io.BytesIO()
    Pillow.new("RGB", (6001, 4000)).save(out, "PNG")
    with pytest.raises(BadImage, match="larger"):
        decode(out.getvalue())


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_phone_held_in_any_way_gives_the_same_face(
    extractor: FaceExtractor, portrait: Pillow.Image, orientation: int
) -> None:
    upright = _extract(extractor, portrait)
    turn = {  # what a camera stores that says this orientation (EXIF 2.32, tag 274)
        2: Pillow.Transpose.FLIP_LEFT_RIGHT, 3: Pillow.Transpose.ROTATE_180, 4: Pillow.Transpose.FLIP_TOP_BOTTOM,
        5: Pillow.Transpose.TRANSPOSE, 6: Pillow.Transpose.ROTATE_90, 7: Pillow.Transpose.TRANSVERSE,
        8: Pillow.Transpose.ROTATE_270,
    }.get(orientation)  # fmt: skip
    stored = portrait if turn is None else portrait.transpose(turn)
    exif = Pillow.Exif()
    exif[274] = orientation
    out = io.BytesIO()
    stored.save(out, "JPEG", quality=95, exif=exif)
    found = extractor.extract(decode(out.getvalue()))
    assert _likeness(found, upright) > 0.95


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_a_photo_on_its_side_whose_file_does_not_say_so_is_read(
    extractor: FaceExtractor, portrait: Pillow.Image, turn: int
) -> None:
    photo = portrait.crop((100, 0, 450, 400))
    upright = _extract(extractor, photo)
    found = _extract(extractor, photo.rotate(90 * turn, expand=True))
    assert _likeness(found, upright) > 0.95
    here, there = upright.faces[upright.chosen], found.faces[found.chosen]
    assert {round(here.width, -1), round(here.height, -1)} == {round(there.width, -1), round(there.height, -1)}
    middle = there.landmarks.mean(axis=0)
    assert there.x < middle[0] < there.x + there.width and there.y < middle[1] < there.y + there.height


@pytest.mark.parametrize("level", [0, 16, 128, 255])
def test_a_covered_or_frozen_camera_is_said(extractor: FaceExtractor, level: int) -> None:
    noise = np.random.default_rng(1).normal(level, 1.5, (480, 640, 3))
    found = _extract(extractor, Pillow.fromarray(np.clip(noise, 0, 255).astype(np.uint8)))
    assert (found.template, found.reasons[0]) == (None, Reason.NO_CONTRAST)


def test_half_a_frame_that_froze_is_no_face(extractor: FaceExtractor, portrait: Pillow.Image) -> None:
    pixels = np.asarray(portrait).copy()
    pixels[95:] = pixels[94]  # the rest of the frame repeats its last line
    found = _extract(extractor, Pillow.fromarray(pixels))
    assert found.template is None or {Reason.FACE_COVERED, Reason.FACE_UNCLEAR} & set(found.reasons)
