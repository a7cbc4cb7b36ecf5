// The rectangles that a reader marks, as fractions of the film: left, top, right, bottom. They move in the pane's
// directions, whichever way the film is turned.
(() => {
  const { clamp, boxInPane, boxOnFilm, toFilm } = window.filmParts.geometry;
  const LEAST_PX = 8;
  const STEP_PX = 8;
  const GRASP_PX = 22; // a finger's target is 44 pixels wide
  const inside = ([l, t, r, b], [x, y]) => x >= l && x <= r && y >= t && y <= b;

  class FilmRegions {
    // `full` is called when one more than `most` is to be added.
    constructor(list, changed, most = Infinity, full = () => {}) {
      Object.assign(this, { list, changed, most, full, chosen: -1 });
    }

    hasRoom() {
      if (this.list.length >= this.most) this.full();
      return this.list.length < this.most;
    }

    get known() {
      return this.list[this.chosen];
    }

    set known(region) {
      this.list = this.list.with(this.chosen, region);
    }

    add(region) {
      this.list = [...this.list, region];
      this.chosen = this.list.length - 1;
    }

    remove() {
      this.list = this.list.toSpliced(this.chosen, 1);
      this.chosen = this.list.length - 1;
      this.finish();
    }

    next() {
      this.chosen = (this.chosen + 1) % Math.max(1, this.list.length);
    }

    finish() {
      this.list = this.list.map((region) => region.map((end) => Math.round(end * 1e4) / 1e4));
      this.changed();
    }

    addAtCentre(view, shape) {
      if (!this.hasRoom()) return;
      const [x, y, half] = [shape.width / 2, (shape.height - shape.bottom) / 2, shape.height / 10];
      this.add(boxOnFilm(view, shape, [x - half, y - half, x + half, y + half]));
      this.finish();
    }

    // One press of an arrow key.
    step(view, shape, [right, down], sizing) {
      const [l, t, r, b] = boxInPane(view, shape, this.known);
      const ends = [Math.max(l + LEAST_PX, r + STEP_PX * right), Math.max(t + LEAST_PX, b + STEP_PX * down)];
      if (sizing) this.known = boxOnFilm(view, shape, [l, t, ...ends]);
      else this.shift(view, shape, [0, 0], [STEP_PX * right, STEP_PX * down]);
      this.finish();
    }

    shift(view, shape, from, to) {
      const [start, end] = [from, to].map((place) => toFilm(view, shape, place));
      const [l, t, r, b] = this.known;
      const [right, down] = [clamp(end[0] - start[0], -l, 1 - r), clamp(end[1] - start[1], -t, 1 - b)];
      this.known = [l + right, t + down, r + right, b + down];
    }

    // A drag from `place` sizes the chosen one by its corner, moves the one that is there, or draws a new one.
    begin(view, shape, place) {
      const { list, chosen } = this;
      const cancel = () => Object.assign(this, { list, chosen });
      const end = () => this.finish();
      const fixed = this.known && oppositeCorner(boxInPane(view, shape, this.known), place);
      const size = (from) => (_, to) => (this.known = boxOnFilm(view, shape, [...from, ...to]));
      if (fixed) return { move: size(fixed), end, cancel };
      this.chosen = this.list.findLastIndex((region) => inside(boxInPane(view, shape, region), place));
      if (this.known) return { move: (from, to) => this.shift(view, shape, from, to), end, cancel };
      if (!this.hasRoom()) return { move() {} };
      this.add(boxOnFilm(view, shape, [...place, ...place]));
      const added = () => {
        const [l, t, r, b] = boxInPane(view, shape, this.known);
        if (Math.min(r - l, b - t) >= LEAST_PX) return this.finish();
        Object.assign(this, { list, chosen: -1 }); // a tap outside all regions
      };
      return { move: size(place), end: added, cancel };
    }
  }

  // The corner that stays where it is when the one at `place` is dragged.
  function oppositeCorner([l, t, r, b], [x, y]) {
    const reach = Math.min(GRASP_PX, 8 + Math.min(r - l, b - t) / 3); // a small one can still be moved
    const corners = [[l, t, r, b], [r, t, l, b], [l, b, r, t], [r, b, l, t]];
    return corners.find((corner) => Math.hypot(corner[0] - x, corner[1] - y) <= reach)?.slice(2);
  }

  window.filmParts.FilmRegions = FilmRegions;
})();
