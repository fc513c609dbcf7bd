/* Draws the figures that stand in the page as JSON, in the colours of the page. */
"use strict";

(() => {
  const PICTURE_PIXELS = 1000;
  const OPEN_ROWS = 8;
  const TYPING_MILLISECONDS = 900;
  const EARLIEST_DAY = "1970-01-01";
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const narrow = window.matchMedia("(max-width: 48rem)");
  const touch = window.matchMedia("(pointer: coarse)");

  /* The page's style sheet knows both schemes; the charts take its colours. */
  function colours() {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    return {
      paper: colour("--card"),
      text: colour("--text"),
      line: colour("--line"),
      grid: colour("--grid"),
    };
  }

  function themed(layout) {
    const { paper, text, line, grid } = colours();
    const axis = { color: text, gridcolor: grid, linecolor: line, zerolinecolor: line };
    return {
      ...layout,
      paper_bgcolor: paper,
      plot_bgcolor: paper,
      font: { ...layout.font, color: text, family: getComputedStyle(document.body).fontFamily },
      xaxis: { ...layout.xaxis, ...axis },
      yaxis: { ...layout.yaxis, ...axis },
      hoverlabel: { bgcolor: paper, bordercolor: line, font: { color: text } },
      modebar: { bgcolor: paper, color: line, activecolor: text },
      /* A finger that moves over a chart scrolls the page. */
      dragmode: touch.matches ? false : "zoom",
    };
  }

  async function draw(chart) {
    const figure = JSON.parse(document.getElementById(chart.dataset.figure).textContent);
    await Plotly.react(chart, figure.data, themed(figure.layout), figure.config);
    chart.dataset.drawn = dark.matches ? "dark" : "light";
  }

  /* The picture says what it shows, and up to when: it leaves the page that does. */
  function picture(chart, title, note) {
    return {
      data: chart.data,
      layout: {
        ...chart.layout,
        title: {
          text: plain(title),
          subtitle: { text: plain(note) },
          yref: "container",
          y: 1,
          yanchor: "top",
          pad: { t: 20 },
        },
        margin: { ...chart.layout.margin, t: 96 },
        legend: { orientation: "h", x: 0, y: -0.25, yanchor: "top" },
      },
    };
  }

  /* Plotly takes <b>, <br> and the like for markup. */
  function plain(text) {
    return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  }

  function offerToSave(chart) {
    const button = chart.closest(".panel").querySelector("[data-save]");
    const { save, note } = button.dataset;
    button.hidden = false;
    button.addEventListener("click", () =>
      Plotly.downloadImage(picture(chart, save, note), {
        format: "png",
        width: PICTURE_PIXELS,
        height: chart.layout.height + 120,
        scale: 2,
        filename: save,
      }),
    );
  }

  /* On a phone a long table would push the next chart out of sight. */
  function fold(details) {
    const rows = details.querySelectorAll("tbody tr").length;
    if (narrow.matches && rows > OPEN_ROWS) details.open = false;
  }

  function prepare(root) {
    const charts = root.querySelectorAll("[data-figure]");
    root.querySelectorAll("details.figures").forEach(fold);
    charts.forEach(offerToSave);
    charts.forEach(draw);
  }

  dark.addEventListener("change", () =>
    document.querySelectorAll("[data-figure]").forEach(draw),
  );

  /* What htmx takes away leaves nothing behind; what it brings is drawn. */
  document.addEventListener("htmx:beforeSwap", (event) =>
    event.detail.target.querySelectorAll("[data-drawn]").forEach((chart) => Plotly.purge(chart)),
  );
  document.addEventListener("htmx:afterSwap", (event) => prepare(event.detail.target));

  /* An address says what was chosen, and no more. */
  document.addEventListener("htmx:configRequest", ({ detail }) => {
    for (const [name, value] of [...detail.formData.entries()]) {
      if (value === "") detail.formData.delete(name);
    }
  });

  /* A day counts once it was typed to its end, which a browser does not tell. */
  let typing = 0;
  document.addEventListener("change", ({ target }) => {
    if (!target.matches(".filter [type=date]")) return;
    clearTimeout(typing);
    typing = setTimeout(() => {
      if (target.isConnected && target.value >= EARLIEST_DAY) target.form.requestSubmit();
    }, TYPING_MILLISECONDS);
  });

  /* The list of projects closes as a menu does. */
  function closeSwitch(event) {
    const list = document.querySelector(".switch[open]");
    if (!list || (event.type === "click" && list.contains(event.target))) return;
    if (event.type === "keydown" && event.key !== "Escape") return;
    list.open = false;
    if (event.type === "keydown") list.querySelector("summary").focus();
  }
  document.addEventListener("click", closeSwitch);
  document.addEventListener("keydown", closeSwitch);

  /* Where no script runs there are no boxes for charts either. */
  document.documentElement.classList.add("scripted");
  prepare(document);
})();
