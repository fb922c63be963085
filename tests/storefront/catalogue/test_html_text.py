import pytest

from storefront.catalogue.html_text import html_text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", ""),
        ("Plain words. ", "Plain words."),
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("<p>One\n  line</p>\n<p>&nbsp;</p>\n<p>Two</p>", "One line\n\nTwo"),
        ("<p>For:</p><ul>\n<li>Roast: Medium</li>\n<li>Tastes of: <b>nut</b></li>\n</ul><p>End</p>",
         "For:\n\nRoast: Medium\nTastes of: nut\n\nEnd"),
        ("One<br>two<br/><br />three", "One\ntwo\n\nthree"),
        ("Fish &amp; chips &lt;3 &eacute;", "Fish & chips <3 é"),
        ("<table><tr><td>Size</td><td>S</td></tr><tr><td>Chest</td><td>90</td></tr></table>", "Size S\nChest 90"),
        ("<style>p{}</style><p>Seen</p><script>alert('<p>no</p>')</script>", "Seen"),
        ("<p>Unclosed <b>bold", "Unclosed bold"),
        ("<iframe src=x>inner <p>text</p></iframe>after", "after"),
        ("a < b and c > d", "a < b and c > d"),
    ],
)  # fmt: skip
def test_html_becomes_what_a_reader_sees(html: str, text: str) -> None:
    assert html_text(html) == text
