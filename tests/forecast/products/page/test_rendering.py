from forecast.products.page.rendering import as_data_url, size_words
from forecast.products.plots.figures import Heading, new_figure, save


def test_sizes_are_read_at_a_glance():
    assert [size_words(count) for count in (900, 250_000, 3_400_000_000)] == ["0.9 kB", "0.2 MB", "3.4 GB"]


def test_a_picture_is_embedded(tmp_path):
    out = save(new_figure(1, 1, "title", Heading("", False)), tmp_path / "one.png")
    assert as_data_url(out).startswith("data:image/png;base64,iVBORw0KGgo")
