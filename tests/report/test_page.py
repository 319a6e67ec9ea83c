# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of the report works in a browser: it is safe, readable in both themes, and finds things."""

from __future__ import annotations

import pathlib
import re
import typing as t

import pytest
from window import PHONE, WIDE, Page

#: Ratio of the luminances of text and what is behind it, and the size of the text, of all that is seen.
CONTRAST = """
const channels = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
const linear = (value) => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
const over = (top, below) => {
  const alpha = top.length > 3 ? top[3] : 1;
  return [0, 1, 2].map((index) => top[index] * alpha + below[index] * (1 - alpha));
};
const behind = (element) => {
  const layers = [];
  for (let one = element; one; one = one.parentElement) layers.unshift(channels(getComputedStyle(one).backgroundColor));
  return layers.reduce((below, layer) => over(layer, below), [255, 255, 255]);
};
const found = [];
for (const element of document.querySelectorAll("body *")) {
  const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  const box = element.getBoundingClientRect();
  if (!own || !box.width || !box.height || element.closest("svg, script, style, .hidden, .skip, select")) continue;
  const style = getComputedStyle(element);
  let opacity = 1;
  for (let one = element; one; one = one.parentElement) opacity *= Number(getComputedStyle(one).opacity);
  const back = behind(element);
  const front = over([...channels(style.color).slice(0, 3), opacity], back);
  const [high, low] = [luminance(front), luminance(back)].sort((a, b) => b - a);
  found.push([(high + 0.05) / (low + 0.05), element.className + ": " + element.textContent.trim().slice(0, 40)]);
}
return found;
"""

THEMES = pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
WIDTHS = pytest.mark.parametrize("width", [WIDE, 768, PHONE, 320])


def rows(page: Page) -> list[str]:
    """Return the hosts that the fleet's table shows."""
    return t.cast(
        "list[str]",
        page.run(
            "return [...document.querySelectorAll('tr[data-host]')].filter((row) => !row.hidden)"
            ".map((row) => row.querySelector('a').textContent)"
        ),
    )


def blocks(page: Page) -> list[str]:
    """Return the headings below the table."""
    script = "return [...document.querySelectorAll('.block h3')].map((one) => one.textContent)"
    return t.cast("list[str]", page.run(script))


def findings_shown(page: Page) -> int:
    """Return the number of findings that the page says it shows."""
    number = re.match(r"[\d,]+", page.one("#findings-count").text)
    assert number
    return int(number.group().replace(",", ""))


def open_all(page: Page) -> None:
    """Open every block, and wait until they are filled."""
    page.run("document.querySelectorAll('.block').forEach((one) => { one.open = true; })")
    page.wait(
        lambda: page.run(
            "return [...document.querySelectorAll('.block .body')].every((one) => one.childElementCount)"
        ),
        "a block stayed empty",
    )


@pytest.mark.parametrize("name", ["report_file", "hostile_file", "empty_file", "large_file"])
def test_page_opens_without_an_error_and_asks_nobody(
    page: Page, name: str, request: pytest.FixtureRequest
) -> None:
    page.open(request.getfixturevalue(name))
    page.picture(name)
    assert page.one("h1").text == "Mail audit"
    assert page.complaints() == []


def test_console_and_network_are_watched(page: Page, tmp_path: pathlib.Path) -> None:
    """The test above can fail."""
    bad = tmp_path / "audit.html"
    bad.write_text("<script src='other.js'></script><script>throw Error('seen')</script>")
    page.open(bad)
    page.wait(
        lambda: "seen" in str(found := page.complaints()) and "other.js" in str(found), "blind"
    )


def test_texts_of_hosts_stay_texts(page: Page, hostile_file: pathlib.Path) -> None:
    page.open(hostile_file)
    open_all(page)
    page.click("#show option[value='waived']")
    open_all(page)
    assert page.run("return window.broken") is None
    assert page.all("main b b, .finding b, #findings script, .fleet script, main script") == []
    page.click("#clear")
    open_all(page)
    text = page.one("#findings").text
    assert "</script><script>window.broken=1</script>" in text
    assert "{{ 7 * 7 }}" in text
    assert "<b>bold</b>" in page.one("#fleet").text
    assert "evil<b>'\".example" in rows(page)
    page.click("[data-group='rule']")
    open_all(page)
    assert page.run("return window.broken") is None
    assert page.complaints() == []


@THEMES
@WIDTHS
def test_nothing_is_wider_than_the_window(
    page: Page, report_file: pathlib.Path, hostile_file: pathlib.Path, width: int, *, dark: bool
) -> None:
    for path in (report_file, hostile_file):
        page.open(path, width=width, dark=dark)
        open_all(page)
        page.picture(f"{path.parent.name}-{width}-{'dark' if dark else 'light'}")
        assert page.run("return document.documentElement.scrollWidth") <= width
        # Nor is anything cut off at the right edge, outside of what can be scrolled by itself.
        wide = page.run(
            "return [...document.querySelectorAll('body *')].filter((one) => !one.closest('svg, .hidden, .scroller')"
            " && one.getBoundingClientRect().right > innerWidth + 1).map((one) => one.outerHTML.slice(0, 80))"
        )
        assert wide == []


@THEMES
@pytest.mark.parametrize("width", [WIDE, PHONE])
def test_every_text_can_be_read(
    page: Page, report_file: pathlib.Path, width: int, *, dark: bool
) -> None:
    page.open(report_file, width=width, dark=dark)
    page.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    open_all(page)
    found = page.run(CONTRAST)
    assert len(found) > 500
    # WCAG 2.2, success criterion 1.4.3.
    assert sorted({f"{ratio:.2f} {what}" for ratio, what in found if ratio < 4.5}) == []


def test_themes_follow_the_system_and_the_button(page: Page, report_file: pathlib.Path) -> None:
    def background() -> str:
        return t.cast("str", page.run("return getComputedStyle(document.body).backgroundColor"))

    page.open(report_file, dark=True)
    dark = background()
    page.open(report_file, dark=False)
    light = background()
    assert dark != light
    labels = []
    seen = []
    for _turn in range(3):
        page.click("#theme")
        labels.append(page.one("#theme").text)
        seen.append(background())
    assert [label.split()[-1] for label in labels] == ["Light", "Dark", "Auto"]
    assert seen == [light, dark, light]
    page.click("#theme")
    page.click("#theme")
    page.driver.refresh()
    assert background() == dark
    page.click("#theme")


def test_search_finds_hosts_rules_and_texts(page: Page, report_file: pathlib.Path) -> None:
    page.open(report_file)
    everything = findings_shown(page)
    host = rows(page)[3]
    page.search(host.upper())
    assert rows(page) == [host]
    assert blocks(page) == [host]
    page.search("relay-open")
    assert 0 < findings_shown(page) < everything
    open_all(page)
    ids = {one.text for one in page.all(".finding .mono")}
    assert ids == {"relay-open"}
    page.search("postconf -e 'smtpd_relay_restrictions")
    assert len(rows(page)) > 0
    page.search("Timed out")
    assert {one.text for one in page.seen("#fleet .state")} == {"not reached"}
    page.search("no such thing")
    assert rows(page) == []
    assert page.one("#findings").text == "Nothing matches."
    page.click("#clear")
    assert findings_shown(page) == everything
    assert page.one("#search").get_attribute("value") == ""


def test_words_of_a_search_must_all_be_there(page: Page, report_file: pathlib.Path) -> None:
    page.open(report_file)
    host = rows(page)[0]
    page.search(f"{host} critical")
    both = findings_shown(page)
    page.search(host)
    assert both <= findings_shown(page)
    page.search(f"{host} smtpd_relay_restrictions")
    open_all(page)
    assert {one.text for one in page.all(".finding .mono")} == {"relay-open"}


def test_filter_by_severity_and_rule(page: Page, report_file: pathlib.Path) -> None:
    page.open(report_file)
    tile = page.one(".tile[data-severity='0']")
    number = int(tile.find_element("css selector", "b").text)
    page.click(".tile[data-severity='0']")
    assert tile.get_attribute("aria-pressed") == "true"
    assert findings_shown(page) == number
    assert "not judged" not in page.one("#findings-count").text
    assert page.seen("#fleet tr .st-unreachable") == []
    open_all(page)
    assert {one.text for one in page.seen(".finding .chip")} == {"critical"}
    page.click(".filters [data-severity='4']")
    assert findings_shown(page) > number
    page.click("#clear")
    page.click("#rule option[value='vrfy-on']")
    open_all(page)
    assert {one.text for one in page.all(".finding .mono")} == {"vrfy-on"}
    assert "not judged" not in page.one("#findings-count").text


def test_what_is_new_waived_or_not_judged_can_be_seen_alone(
    page: Page, report_file: pathlib.Path
) -> None:
    page.open(report_file)
    page.click("#show option[value='new']")
    assert f"{findings_shown(page)} newly broken" in page.one("#changes-title + .changes").text
    open_all(page)
    assert len(page.seen(".finding")) == len(page.seen(".finding .tag.new")) > 0
    page.click("#show option[value='waived']")
    assert str(findings_shown(page)) == page.one(".tile.waived b").text
    open_all(page)
    assert len(page.seen(".finding")) == len(page.seen(".finding .accepted")) > 0
    page.click("#clear")
    page.click(".tile[data-show='unjudged']")
    assert findings_shown(page) == 0
    assert page.one("#findings-count").text.endswith(f"{page.one('.tile.gap b').text} not judged")
    open_all(page)
    assert len(page.seen(".block")) == len(page.seen(".block .unjudged")) > 0


def test_what_was_not_judged_is_never_shown_as_good(page: Page, report_file: pathlib.Path) -> None:
    page.open(report_file)
    states = {
        row.find_element("css selector", "a").text: row.text
        for row in page.seen("tr[data-host]")
        if row.find_elements("css selector", ".state")
    }
    assert any("not reached" in one and "Connection timed out" in one for one in states.values())
    assert any("judged in part" in one and "?" in one for one in states.values())
    assert page.one("#verdict-title").text == "Not passed"


def test_finding_shows_all_that_is_needed_to_mend_it(page: Page, report_file: pathlib.Path) -> None:
    page.open(report_file)
    page.search("relay-open")
    open_all(page)
    text = page.seen(".finding")[0].text
    for part in (
        "critical",
        "Anyone on the Internet can send mail",
        "smtpd_relay_restrictions",
        "Spam is sent in its name",
        "permit",
        "reject_unauth_destination",
        "postfix_tls_parameters",
        "postconf -e",
        "postconf(5)",
    ):
        assert part in text
    manual = page.seen(".finding dd a")[0].get_attribute("href")
    assert manual == "https://www.postfix.org/postconf.5.html#smtpd_relay_restrictions"
    page.search("RFC 8996")
    open_all(page)
    link = page.seen(".finding dd a")[0]
    assert link.get_attribute("href") == "https://www.rfc-editor.org/rfc/rfc8996"
    assert link.get_attribute("rel") == "noopener noreferrer"


def test_findings_of_a_host_are_sorted(page: Page, report_file: pathlib.Path) -> None:
    page.open(report_file)
    order = ["critical", "high", "medium", "low", "info"]
    open_all(page)
    for block in page.all(".block")[:5]:
        chips = block.find_elements("css selector", ".finding:not(.is-waived) .chip")
        places = [order.index(one.text) for one in chips]
        assert places == sorted(places)


def test_same_finding_on_many_hosts_is_one_block(page: Page, report_file: pathlib.Path) -> None:
    page.open(report_file)
    page.click("[data-group='rule']")
    headings = blocks(page)
    assert len(headings) == len(set(headings)) > 5
    open_all(page)
    link = page.seen(".hosts-list a")[0]
    host = link.text
    page.run("arguments[0].click()", link)
    page.wait(
        lambda: page.run("return document.activeElement.closest('.block') !== null"), "no host"
    )
    assert page.run("return document.activeElement.querySelector('h3').textContent") == host
    assert page.one("[data-group='host']").get_attribute("aria-pressed") == "true"


def test_link_to_a_host_opens_it(page: Page, report_file: pathlib.Path) -> None:
    page.open(report_file, "#host-37")
    name = page.run("return document.querySelector('tr[data-host=\"37\"] a').textContent")
    assert page.run("return document.querySelector('#host-37').open") is True
    assert page.run("return document.querySelector('#host-37 h3').textContent") == name
    page.search("relay-open")
    page.run("location.hash = '#host-36'")
    page.wait(lambda: page.all("#host-36[open]"), "the link did nothing")


def test_page_can_be_used_with_the_keyboard(page: Page, report_file: pathlib.Path) -> None:
    page.open(report_file)
    page.run("document.querySelector('.block summary').focus()")
    outline = page.run("return getComputedStyle(document.activeElement).outlineStyle")
    page.driver.switch_to.active_element.send_keys("\ue007")
    page.wait(lambda: page.all(".block[open]"), "Enter did not open the block")
    assert outline in ("auto", "solid", "none")
    # Every control is a real one, so a keyboard and a screen reader know it.
    script = (
        "return [...document.querySelectorAll('button, input, select, summary, a')]"
        ".filter((one) => one.tabIndex < 0 || !(one.textContent.trim() || one.labels && one.labels.length))"
        ".map((one) => one.outerHTML.slice(0, 90))"
    )
    assert page.run(script) == []


def test_headings_and_tables_are_in_order(page: Page, report_file: pathlib.Path) -> None:
    page.open(report_file)
    open_all(page)
    levels = page.run(
        "return [...document.querySelectorAll('h1, h2, h3, h4')].map((one) => Number(one.tagName[1]))"
    )
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(levels, levels[1:]))
    assert page.all("th:not([scope])") == []
    duplicate = page.run(
        "const ids = [...document.querySelectorAll('[id]')].map((one) => one.id);"
        " return ids.filter((one, index) => ids.indexOf(one) !== index)"
    )
    assert duplicate == []


def test_fleet_chart_and_changes_are_there_without_javascript(
    page: Page, report_file: pathlib.Path
) -> None:
    page.open(report_file, script=False)
    try:
        page.picture("no-javascript")
        assert len(page.seen("tr[data-host]")) == 40
        assert page.seen("svg.chart circle")
        assert page.seen("#changes-title")
        instead = str(page.one("noscript").get_attribute("textContent"))
        assert "Anyone on the Internet can send mail" in instead
        assert page.seen(".js-only") == []
    finally:
        page.show()


def test_chart_shows_every_certificate(page: Page, report_file: pathlib.Path) -> None:
    page.open(report_file)
    text = page.one("#expiry-title + p").text
    number = int(text.split()[0])
    assert len(page.all("svg.chart circle")) == number
    urgent = [one for one in page.all("svg.chart circle") if one.get_attribute("class") != "u-calm"]
    counts = [int(one) for one in re.findall(r"(\d+) (?:expired|with)", text)]
    assert len(urgent) == sum(counts) > 0


def test_thousand_hosts_can_be_used(page: Page, large_file: pathlib.Path) -> None:
    page.open(large_file)
    assert len(rows(page)) == 50
    # Only what is looked at is built.
    assert page.run("return document.querySelectorAll('.block').length") == 20
    assert page.run("return document.querySelectorAll('.finding').length") == 0
    page.click("#all-rows")
    assert len(rows(page)) == 1000
    page.click("#more")
    assert page.run("return document.querySelectorAll('.block').length") == 40
    page.search("mx0777")
    assert [one.partition(".")[0] for one in rows(page)] == ["mx0777"]
    page.run("location.hash = '#host-950'")
    page.wait(lambda: page.all("#host-950[open]"), "the link did nothing")
    assert page.complaints() == []


def domain_rows(page: Page) -> list[str]:
    """Return the domains that their table shows."""
    return t.cast(
        "list[str]",
        page.run(
            "return [...document.querySelectorAll('tr[data-domain]')].filter((row) => !row.hidden)"
            ".map((row) => row.querySelector('a').textContent)"
        ),
    )


@THEMES
def test_domains_have_a_table_and_sections_of_their_own(
    page: Page, report_file: pathlib.Path, *, dark: bool
) -> None:
    page.open(report_file, dark=dark)
    names = domain_rows(page)
    assert len(names) == 7
    assert page.one("#domains-count").text == "7 domains, the worst first"
    assert len(rows(page)) == 40
    page.run("document.querySelector('#domains').scrollIntoView()")
    page.picture(f"domains-{'dark' if dark else 'light'}")
    page.search("news")
    assert (domain_rows(page), rows(page)) == (["news.example", "news1.example"], [])
    assert page.one("#domains-count").text == "2 of 7 domains"
    assert blocks(page) == ["news.example", "news1.example"]
    open_all(page)
    section = page.one("#findings").text
    assert "v=DMARC1; p=reject" in section
    assert "mode: enforce" in section


def test_link_leads_from_a_domain_to_its_section(page: Page, report_file: pathlib.Path) -> None:
    page.open(report_file)
    number = page.all("tr[data-domain]")[0].get_attribute("data-domain")
    page.run(f"location.hash = '#host-{number}'")
    page.wait(lambda: page.all(f"#host-{number}[open]"), "the link did nothing")
    assert page.one(f"#host-{number} h3").text == domain_rows(page)[0]
    page.search("dns-spf-everybody")
    page.click("[data-group='rule']")
    assert "3 domains, 3 findings" in page.one("#findings").text


def test_page_without_domains_says_nothing_of_them(page: Page, large_file: pathlib.Path) -> None:
    page.open(large_file)
    assert page.all("#domains, tr[data-domain]") == []
    assert page.one("[data-group='host']").text == "by host"
