// Where a film lies in its pane. Lengths are in film heights at fit, so a resized window changes nothing.
//   view: { zoom, x, y } with zoom 1 at fit; x and y move the film's centre.
//   shape: { width, height, bottom } of the pane in pixels, `bottom` being what the tool bar covers at fit;
//          { aspect, turns, flip } of the film: mirrored first, then turned clockwise by quarters.
(() => {
  const MAX_ZOOM = 16;
  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

  function layout(shape) {
    const [across, down] = shape.turns % 2 ? [1, shape.aspect] : [shape.aspect, 1];
    const height = Math.max(1, shape.height - shape.bottom);
    const unit = Math.min(shape.width / across, height / down);
    return { across, down, unit, middle: [shape.width / 2, height / 2] };
  }

  // The film always covers the place that it has at fit, so it never leaves the pane, and a zoom in at any
  // point of it needs no correction.
  function bound(view, shape) {
    const { across, down } = layout(shape);
    const zoom = clamp(view.zoom, 1, MAX_ZOOM);
    const room = (zoom - 1) / 2;
    return { zoom, x: clamp(view.x, -across * room, across * room), y: clamp(view.y, -down * room, down * room) };
  }

  function toPane(view, shape, [left, top]) {
    const { unit, middle } = layout(shape);
    let [x, y] = [(left - 0.5) * shape.aspect * (shape.flip ? -1 : 1), top - 0.5];
    for (let turn = 0; turn < shape.turns; turn++) [x, y] = [-y, x];
    return [middle[0] + (view.x + x * view.zoom) * unit, middle[1] + (view.y + y * view.zoom) * unit];
  }

  function toFilm(view, shape, [left, top]) {
    const { unit, middle } = layout(shape);
    let [x, y] = [((left - middle[0]) / unit - view.x) / view.zoom, ((top - middle[1]) / unit - view.y) / view.zoom];
    for (let turn = 0; turn < shape.turns; turn++) [x, y] = [y, -x];
    return [(x / shape.aspect) * (shape.flip ? -1 : 1) + 0.5, y + 0.5];
  }

  function zoomAt(view, shape, place, factor) {
    const held = toFilm(view, shape, place).map((share) => clamp(share, 0, 1)); // outside, its nearest edge is held
    const before = toPane(view, shape, held);
    const zoomed = { ...view, zoom: clamp(view.zoom * factor, 1, MAX_ZOOM) };
    const after = toPane(zoomed, shape, held);
    return panBy(zoomed, shape, [before[0] - after[0], before[1] - after[1]]);
  }

  function panBy(view, shape, [right, down]) {
    const { unit } = layout(shape);
    return bound({ zoom: view.zoom, x: view.x + right / unit, y: view.y + down / unit }, shape);
  }

  // The view in which a part of the film, such as the lung field, fills the pane.
  function showPart(shape, part) {
    const fit = { zoom: 1, x: 0, y: 0 };
    const [left, top, right, bottom] = boxInPane(fit, shape, part);
    const { unit, middle } = layout(shape);
    const zoom = clamp(Math.min((2 * middle[0]) / (right - left), (2 * middle[1]) / (bottom - top)), 1, MAX_ZOOM);
    const off = [(left + right) / 2 - middle[0], (top + bottom) / 2 - middle[1]];
    return bound({ zoom, x: (-off[0] * zoom) / unit, y: (-off[1] * zoom) / unit }, shape);
  }

  const sorted = ([x0, y0], [x1, y1]) => [Math.min(x0, x1), Math.min(y0, y1), Math.max(x0, x1), Math.max(y0, y1)];
  const boxInPane = (view, shape, [left, top, right, bottom]) =>
    sorted(toPane(view, shape, [left, top]), toPane(view, shape, [right, bottom]));
  const boxOnFilm = (view, shape, [left, top, right, bottom]) =>
    sorted(toFilm(view, shape, [left, top]), toFilm(view, shape, [right, bottom])).map((end) => clamp(end, 0, 1));

  window.filmParts.geometry = { clamp, layout, bound, toPane, toFilm, zoomAt, panBy, showPart, boxInPane, boxOnFilm };
})();
