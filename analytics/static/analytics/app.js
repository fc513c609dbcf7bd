/* Draws the figures that stand in the page as JSON, in the colours of the page. */
"use strict";

(() => {
  const PICTURE_PIXELS = 1000;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
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
    const button = chart.parentElement.querySelector("[data-save]");
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

  const charts = Array.from(document.querySelectorAll("[data-figure]"));
  dark.addEventListener("change", () => charts.forEach(draw));
  charts.forEach(offerToSave);
  charts.forEach(draw);
})();
