/* Draws the figures that stand in the page as JSON, in the colours of the page. */
"use strict";

(() => {
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

  function offerToSave(chart) {
    const button = chart.parentElement.querySelector("[data-save]");
    button.hidden = false;
    button.addEventListener("click", () =>
      Plotly.downloadImage(chart, { format: "png", scale: 2, filename: button.dataset.save }),
    );
  }

  const charts = Array.from(document.querySelectorAll("[data-figure]"));
  dark.addEventListener("change", () => charts.forEach(draw));
  charts.forEach(offerToSave);
  charts.forEach(draw);
})();
