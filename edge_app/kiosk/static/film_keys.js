// What each key does while the film has the focus.
(() => {
  const { panBy } = window.filmParts.geometry;
  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const ACTS = {
    "+": "zoom_in", "=": "zoom_in", "-": "zoom_out", 0: "lungs", 1: "actual", w: "window", p: "pan", m: "region",
    i: "invert", r: "rotate", f: "flip", c: "contour", x: "crop",
  };
  const PAN_PX = 40;

  window.filmParts.press = (viewer, event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== viewer.stage) return;
    const { marks, state, pane } = viewer;
    const known = marks?.known;
    const arrow = ARROWS[event.key];
    const act = ACTS[event.key.toLowerCase()];
    if (arrow && known) marks.step(state.view, pane.shape, arrow, event.shiftKey);
    else if (arrow && state.tool === "window") viewer.window(arrow.map((step) => step / 30));
    else if (arrow) viewer.change({ view: panBy(state.view, pane.shape, arrow.map((step) => -PAN_PX * step)) });
    else if (act) viewer.act(act);
    else if (known && event.key === "Escape") marks.chosen = -1;
    else if (known && ["Delete", "Backspace"].includes(event.key)) viewer.removeRegion();
    else if (marks && event.key === "Enter") marks.addAtCentre(state.view, pane.shape);
    else if (marks && event.key === " ") marks.next();
    else return;
    event.preventDefault();
    viewer.redraw();
  };
})();
