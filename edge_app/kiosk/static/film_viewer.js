// `createFilmViewer(container, options)`; and every `<div class="film-viewer" data-film="...">` that appears in the
// page becomes a viewer, and again when its attributes change. Attributes, events and keys are in
// docs/reference/film-viewer.md.
(() => {
  const ENGLISH = {
    film: "Chest film",
    help:
      "Arrow keys change brightness and contrast, move the film or move the region, as the chosen tool does; Shift and an " +
      "arrow size the region. W, P and M choose the tool: brightness, move, mark. Enter adds a region, Space goes to the " +
      "next, Delete removes it. Plus and minus zoom, 0 shows the whole film or the lungs, 1 full size. I inverts, R " +
      "rotates, F flips, C shows the evidence. X chooses a part to be read again, with the keys of a region.",
    tools: "Film tools", contour: "Show the evidence", window: "Brightness and contrast", pan: "Move the film",
    region: "Mark a region", invert: "Invert", compare: "Compare with the earlier film", fit: "Reset the view",
    rotate: "Rotate", flip: "Flip left and right", actual: "Full size, 1:1", zoom_in: "Zoom in", zoom_out: "Zoom out",
    full_screen: "Full screen", more: "All tools", remove: "Remove this region", removed: "Region removed",
    region_n: "Region {n} of {count}", max_regions: "A film takes {count} regions at most.",
    this_film: "This film", earlier_film: "Earlier film", zoomed: "Zoom {percent}%",
    levels: "Window {width}, level {level}", flipped: "Left and right are swapped",
    inverted: "Inverted", no_film: "The film cannot be shown.",
    no_full: "The full resolution is not available.", crop: "Choose a part to read again",
  };
  const INPUTS = ["film", "full", "earlier", "contour", "field", "words", "regions", "locked"];
  const viewers = new Map();

  function optionsOf({ dataset }) {
    const { film, key = film, full, earlier, regionsInput, field, contour, words, regions, maxRegions } = dataset;
    return {
      film, key, full, earlier, regionsInput,
      field: field ? field.split(",").map(Number) : null,
      contour: JSON.parse(contour || "[]"),
      words: JSON.parse(words || "{}"),
      regions: JSON.parse(regions || "[]"),
      maxRegions: Number(maxRegions || Infinity),
      locked: "locked" in dataset,
    };
  }

  window.createFilmViewer = (container, options = {}) => {
    viewers.get(container)?.destroy();
    const given = { ...optionsOf(container), ...options };
    const viewer = new window.filmParts.FilmStage(container, { ...given, words: { ...ENGLISH, ...given.words } });
    viewers.set(container, viewer);
    return viewer;
  };

  function look(changes) {
    for (const [container, viewer] of viewers) {
      if (container.isConnected) continue;
      viewer.destroy();
      viewers.delete(container);
    }
    const changed = changes.filter((change) => change.type === "attributes").map((change) => change.target);
    for (const container of document.querySelectorAll(".film-viewer[data-film]")) {
      const isDrawn = viewers.has(container) && container.firstElementChild; // gradio empties it when a label changes
      if (!isDrawn || changed.includes(container)) window.createFilmViewer(container);
    }
  }

  new MutationObserver(look).observe(document.documentElement, {
    childList: true, subtree: true, attributeFilter: INPUTS.map((name) => `data-${name}`),
  });
  look([]);
})();
