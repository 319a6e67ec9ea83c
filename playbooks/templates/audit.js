// Copyright (c) 2026, the hardened.mail authors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
//
// Shows the findings. Everything is put in as text, never as HTML: all of it came from hosts.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  // The domains are behind the hosts, from this number on.
  const { severities, states, rules, strings, hosts, domains_from: firstDomain } = data;
  const BATCH = 20;
  const ROWS = 50;
  const find = (id) => document.getElementById(id);
  const every = (selector) => [...document.querySelectorAll(selector)];
  const amount = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
  const later = window.requestIdleCallback || ((task) => setTimeout(task, 50));

  // One finding as the page holds it: places in the arrays of the data.
  const [RULE, SEVERITY, ORIGIN, SUBJECT, PARAMETER, OBSERVED, EXPECTED, MESSAGE, VARIABLE, COMMAND, WAIVED, CHANGE] =
    [...Array(12).keys()];
  const text = (finding, field) => strings[finding[field]];
  const filter = { words: [], rule: "", show: "", severities: new Set() };
  let grouping = "host";
  let matched = [];
  let shownRows = ROWS;

  const make = (tag, properties, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties || {})) {
      if (name === "class") element.className = value;
      else if (name in element) element[name] = value;
      else element.setAttribute(name, value);
    }
    element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
    return element;
  };

  // ---- Which findings match. Every text of the fleet is looked at once for each word.
  let folded = null;
  const holding = (word) => {
    folded = folded || strings.map((one) => one.toLowerCase());
    const found = new Uint8Array(strings.length);
    folded.forEach((one, index) => { if (one.includes(word)) found[index] = 1; });
    return found;
  };
  const ruleTexts = rules.map((rule) => rule.join("\n").toLowerCase());

  const match = () => {
    const words = filter.words.map((word) => ({
      word,
      found: holding(word),
      inRule: ruleTexts.map((one) => one.includes(word)),
    }));
    matched = [];
    hosts.forEach((host, number) => {
      const name = host.name.toLowerCase();
      const open = words.filter(({ word }) => !name.includes(word));
      const hits = (finding) =>
        open.every(({ found, inRule }) => inRule[finding[RULE]] || finding.slice(ORIGIN).some((one) => found[one]));
      const findings = host.findings.filter((finding) => {
        const waived = text(finding, WAIVED) !== "";
        if (filter.show === "unjudged" || waived !== (filter.show === "waived")) return false;
        if (filter.show === "new" && text(finding, CHANGE) !== "new") return false;
        if (filter.severities.size && !filter.severities.has(finding[SEVERITY])) return false;
        if (filter.rule && rules[finding[RULE]][0] !== filter.rule) return false;
        return hits(finding);
      });
      const narrow = filter.rule || filter.severities.size || filter.show === "new" || filter.show === "waived";
      const gaps = narrow ? [] : host.unjudged.filter(([origin, reason, ids]) =>
        open.every(({ found }) => found[origin] || found[reason] || ids.some((id) => found[id])));
      const reason = host.reason.toLowerCase();
      const missed = !narrow && host.reason !== "" && open.every(({ word }) => reason.includes(word))
        && (host.state !== "no-mail" || filter.show === "");
      const quiet = !narrow && filter.show === "" && open.length === 0;
      if (findings.length || gaps.length || missed || quiet) matched.push({ host, number, findings, gaps });
    });
  };

  // ---- The table of the fleet is in the page already; here its rows are shown or hidden.
  const rows = new Map(every("tr[data-host], tr[data-domain]").map((row) =>
    [Number(row.dataset.host || row.dataset.domain), row]));
  const showRows = () => {
    const fleet = matched.filter(({ number }) => number < firstDomain);
    const domains = matched.filter(({ number }) => number >= firstDomain);
    const visible = new Set([...fleet.slice(0, shownRows), ...domains].map(({ number }) => number));
    rows.forEach((row, number) => { row.hidden = !visible.has(number); });
    const say = (id, noun, found, all) => {
      if (all) find(id).textContent = found === all ? `${amount(all, noun)}, the worst first` : `${found} of ${amount(all, noun)}`;
    };
    say("fleet-count", "host", fleet.length, firstDomain);
    say("domains-count", "domain", domains.length, hosts.length - firstDomain);
    const button = find("all-rows");
    if (button) {
      button.hidden = fleet.length <= shownRows;
      button.textContent = `Show all ${fleet.length.toLocaleString("en")} hosts`;
    }
  };

  // ---- One finding.
  const chip = (severity, label) => make("span", { class: `chip s-${severities[severity]}` }, label || severities[severity]);
  const link = (label, address) => make("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, label);
  const SOURCE = /(https:\/\/[^\s,;)]+)|RFC (\d{3,5})|(CVE-\d{4}-\d{4,})|postconf\(5\)(?:,? ([a-z][a-z0-9_]+))?/g;
  const source = (words) => {
    const parts = [];
    let end = 0;
    for (const found of words.matchAll(SOURCE)) {
      parts.push(words.slice(end, found.index));
      const [whole, address, rfc, cve, parameter] = found;
      if (address) parts.push(link(whole, address));
      else if (rfc) parts.push(link(whole, `https://www.rfc-editor.org/rfc/rfc${rfc}`));
      else if (cve) parts.push(link(whole, `https://www.cve.org/CVERecord?id=${cve}`));
      else parts.push(link(whole, `https://www.postfix.org/postconf.5.html${parameter ? `#${parameter}` : ""}`));
      end = found.index + whole.length;
    }
    return [...parts, words.slice(end)];
  };
  const copy = (command) => {
    const button = make("button", { class: "copy", type: "button" }, "copy");
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(command);
        button.textContent = "copied";
      } catch (error) {
        const range = document.createRange();
        range.selectNodeContents(button.previousElementSibling);
        getSelection().removeAllRanges();
        getSelection().addRange(range);
        button.textContent = "selected";
      }
      setTimeout(() => { button.textContent = "copy"; }, 1500);
    });
    return button;
  };
  const row = (term, ...content) => [make("dt", {}, term), make("dd", {}, ...content)];
  const code = (words) => make("code", {}, words || "nothing");

  const showFinding = (finding) => {
    const [id, , why, from] = rules[finding[RULE]];
    const waived = text(finding, WAIVED);
    const origin = text(finding, ORIGIN);
    const place = [text(finding, SUBJECT), text(finding, PARAMETER), ["postfix", "dovecot", "dns"].includes(origin) ? "" : origin];
    const command = text(finding, COMMAND);
    const list = make("dl");
    if (text(finding, OBSERVED) || text(finding, EXPECTED)) {
      list.append(...row("found", code(text(finding, OBSERVED))), ...row("expected", code(text(finding, EXPECTED))));
    }
    if (text(finding, VARIABLE)) list.append(...row("in the inventory", code(text(finding, VARIABLE))));
    if (command) list.append(...row("by hand", code(command), copy(command)));
    if (from) list.append(...row("source", ...source(from)));
    return make(
      "article", { class: waived ? "finding is-waived" : "finding" },
      make("div", { class: "finding-head" }, chip(finding[SEVERITY]), make("h4", {}, text(finding, MESSAGE)),
        text(finding, CHANGE) === "new" ? make("span", { class: "tag new" }, "newly broken") : "",
        waived ? make("span", { class: "tag waived" }, "waived") : ""),
      make("p", { class: "place" }, [...new Set(place)].filter(Boolean).join(" · "), " · ", make("span", { class: "mono" }, id)),
      waived ? make("p", { class: "accepted" }, `Accepted: ${waived}`) : "",
      why ? make("p", { class: "why" }, why) : "",
      list,
    );
  };

  const pills = (findings) => {
    const counts = severities.map((_severity, index) => findings.filter((one) => one[SEVERITY] === index).length);
    return make("span", { class: "pills" }, ...counts.map((count, index) => (count ? chip(index, `${count} ${severities[index]}`) : "")));
  };

  // The inside of a block is made when it is opened.
  const block = (id, head, fill, { open = false } = {}) => {
    const body = make("div", { class: "body" });
    const whole = make("details", { class: "block card", id }, make("summary", {}, ...head), body);
    const once = () => { if (!body.childElementCount) body.append(...fill()); };
    whole.addEventListener("toggle", () => { if (whole.open) once(); });
    if (open) { once(); whole.open = true; }
    return whole;
  };

  // ---- By host.
  const gapList = (gaps) => make("div", { class: "unjudged" }, make("b", {}, "Not judged"),
    make("ul", {}, ...gaps.map(([origin, reason, ids]) => make("li", {}, `${strings[origin]}: ${strings[reason]}`,
      ids.length ? make("span", { class: "where" }, ` (${ids.map((one) => strings[one]).join(", ")})`) : ""))));
  const certificateTable = (host) => make("details", { class: "certificates" },
    make("summary", {}, amount(host.certificates.length, "certificate")),
    make("table", { class: "expiries" }, make("tbody", {}, ...host.certificates.map(([names, end, issuer, key, places]) =>
      make("tr", {}, make("td", {}, end), make("td", {}, names), make("td", {}, `${key}, by ${issuer}`), make("td", { class: "muted" }, places))))));

  const recordList = (records) => make("dl", { class: "records" }, ...records.filter(([, , texts]) => texts.length).flatMap(
    ([name, , texts]) => row(name, ...texts.map((one) => make("code", {}, one)))));

  const hostBlock = ({ host, number, findings, gaps }, options) => {
    const all = filter.show === "" && findings.length === host.findings.filter((one) => text(one, WAIVED) === "").length;
    const waived = host.findings.filter((one) => text(one, WAIVED) !== "").length;
    const head = [make("h3", {}, host.name), number >= firstDomain ? make("span", { class: "tag" }, "domain") : "", pills(findings)];
    if (host.state !== "judged") head.push(make("span", { class: `state st-${host.state}` }, states[host.state]));
    else if (!host.findings.length) head.push(make("span", { class: "muted" }, "nothing found"));
    if (waived && filter.show === "") head.push(make("span", { class: "tag waived" }, `${waived} waived`));
    return block(`host-${number}`, head, () => {
      const content = [];
      if (host.origins.length) {
        content.push(make("p", { class: "facts" }, host.origins.map(([, name, detail, run]) =>
          `${name}${detail ? ` ${detail}` : ""}${run ? ` (${amount(run, "rule")})` : ""}`).join(" · ")));
      }
      if (host.reason) content.push(make("p", { class: "unjudged" }, host.reason));
      if (gaps.length) content.push(gapList(gaps));
      content.push(...findings.map(showFinding));
      if (all && waived) content.push(...host.findings.filter((one) => text(one, WAIVED) !== "").map(showFinding));
      if (all && host.records.length) content.push(recordList(host.records));
      if (all && host.certificates.length) content.push(certificateTable(host));
      return content;
    }, options);
  };

  // ---- By rule: the same finding on half of the fleet is one line.
  const ruleGroups = () => {
    const groups = new Map();
    for (const entry of matched) {
      for (const finding of entry.findings) {
        const id = rules[finding[RULE]][0];
        if (!groups.has(id)) groups.set(id, { id, worst: finding, findings: [], hosts: new Map() });
        const group = groups.get(id);
        group.findings.push(finding);
        if (finding[SEVERITY] < group.worst[SEVERITY]) group.worst = finding;
        group.hosts.set(entry.number, (group.hosts.get(entry.number) || 0) + 1);
      }
    }
    return [...groups.values()].sort((a, b) => a.worst[SEVERITY] - b.worst[SEVERITY] || b.hosts.size - a.hosts.size);
  };
  const ruleBlock = (group, options) => block(`rule-${group.id}`, [
    chip(group.worst[SEVERITY]), make("h3", {}, text(group.worst, MESSAGE)),
    make("span", { class: "muted" }, `${amount(group.hosts.size, Math.min(...group.hosts.keys()) < firstDomain ? "host" : "domain")}, ${amount(group.findings.length, "finding")}`),
  ], () => {
    const list = make("ul", { class: "hosts-list" });
    const entries = [...group.hosts.keys()];
    const add = (limit) => list.replaceChildren(...entries.slice(0, limit).map((number) =>
      make("li", {}, make("a", { href: `#host-${number}` }, hosts[number].name))));
    add(60);
    if (entries.length > 60) {
      const rest = make("button", { class: "quiet", type: "button" }, `all ${entries.length}`);
      rest.addEventListener("click", () => add(entries.length));
      list.append(make("li", {}, rest));
    }
    return [showFinding(group.worst), list];
  }, options);

  // ---- The list below the table.
  let waiting = [];
  const more = find("more");
  const showMore = () => {
    const next = waiting.splice(0, BATCH);
    const list = find("findings");
    const few = grouping === "host" && matched.length <= 3;
    list.append(...next.map((one) => (grouping === "host" ? hostBlock(one, { open: few }) : ruleBlock(one))));
    more.hidden = waiting.length === 0;
    more.textContent = `Show ${Math.min(BATCH, waiting.length)} more of ${waiting.length.toLocaleString("en")}`;
  };
  const showFindings = () => {
    const total = matched.reduce((sum, one) => sum + one.findings.length, 0);
    const gaps = matched.reduce((sum, one) => sum + one.gaps.length + (one.host.reason && one.host.state !== "no-mail" ? 1 : 0), 0);
    waiting = grouping === "host" ? matched.slice() : ruleGroups();
    find("findings").replaceChildren();
    find("findings-count").textContent = `${amount(total, "finding")}${gaps ? `, ${gaps.toLocaleString("en")} not judged` : ""}`;
    if (!waiting.length) find("findings").append(make("p", { class: "nothing card" }, "Nothing matches."));
    showMore();
  };

  const update = () => {
    match();
    shownRows = ROWS;
    showRows();
    showFindings();
    every("[data-severity]").forEach((one) => one.setAttribute("aria-pressed", filter.severities.has(Number(one.dataset.severity))));
    every("[data-show]").forEach((one) => one.setAttribute("aria-pressed", one.dataset.show === filter.show));
    find("show").value = filter.show;
    find("clear").hidden = !(filter.words.length || filter.rule || filter.show || filter.severities.size);
  };

  // ---- What a person does.
  let typing = 0;
  find("search").addEventListener("input", (event) => {
    clearTimeout(typing);
    typing = setTimeout(() => {
      filter.words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
      update();
    }, 120);
  });
  find("rule").addEventListener("change", (event) => { filter.rule = event.target.value; update(); });
  find("show").addEventListener("change", (event) => { filter.show = event.target.value; update(); });
  every("[data-severity]").forEach((one) => one.addEventListener("click", () => {
    const severity = Number(one.dataset.severity);
    if (!filter.severities.delete(severity)) filter.severities.add(severity);
    if (filter.show === "unjudged") filter.show = "";
    update();
  }));
  every("[data-show]").forEach((one) => one.addEventListener("click", () => {
    filter.show = filter.show === one.dataset.show ? "" : one.dataset.show;
    update();
  }));
  every("[data-group]").forEach((one) => one.addEventListener("click", () => {
    grouping = one.dataset.group;
    every("[data-group]").forEach((other) => other.setAttribute("aria-pressed", other === one));
    showFindings();
  }));
  const clear = () => {
    filter.words = [];
    filter.rule = filter.show = "";
    filter.severities.clear();
    find("search").value = find("rule").value = "";
    update();
  };
  find("clear").addEventListener("click", () => { clear(); find("search").focus(); });
  more.addEventListener("click", showMore);
  if (find("all-rows")) find("all-rows").addEventListener("click", () => { shownRows = hosts.length; showRows(); });

  // A link to a host works wherever the host is in the list.
  const follow = () => {
    const found = /^#host-(\d+)$/.exec(location.hash);
    const number = found ? Number(found[1]) : -1;
    if (!hosts[number]) return;
    if (grouping !== "host") document.querySelector("[data-group=host]").click();
    if (!matched.some((one) => one.number === number)) clear();
    const place = matched.findIndex((one) => one.number === number);
    let target = find(`host-${number}`);
    if (!target) {
      // Far down the list: it is shown first, and taken out of its place.
      waiting = waiting.filter((one) => one.number !== number);
      target = hostBlock(matched[place]);
      find("findings").prepend(target);
    }
    target.open = true;
    target.scrollIntoView();
    target.querySelector("summary").focus({ preventScroll: true });
  };
  addEventListener("hashchange", follow);
  document.addEventListener("click", (event) => {
    const anchor = event.target.closest && event.target.closest('a[href^="#host-"]');
    if (anchor && anchor.hash === location.hash) follow();
  });

  const themes = { auto: ["◐", "Auto", "as the system has it"], light: ["○", "Light", "light"], dark: ["●", "Dark", "dark"] };
  const theme = find("theme");
  const showTheme = () => {
    const [sign, word, long] = themes[document.documentElement.dataset.theme] || themes.auto;
    theme.replaceChildren(`${sign} `, make("span", {}, word));
    theme.setAttribute("aria-label", `Theme: ${long}`);
  };
  theme.addEventListener("click", () => {
    const names = Object.keys(themes);
    const next = names[(names.indexOf(document.documentElement.dataset.theme || "auto") + 1) % names.length];
    if (next === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
    try {
      if (next === "auto") localStorage.removeItem("hardened-mail-theme");
      else localStorage.setItem("hardened-mail-theme", next);
    } catch (error) { /* a page opened from a file may have no storage */ }
    showTheme();
  });

  const ids = [...new Set(rules.map((rule) => rule[0]))].sort();
  find("rule").append(...ids.map((id) => make("option", { value: id }, id)));
  showTheme();
  update();
  follow();
  later(() => holding("\0"));
})();
