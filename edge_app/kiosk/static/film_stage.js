// The viewer itself: it knows how the film is shown, and what each gesture, key and button does to that.
(() => {
  const { clamp, bound, zoomAt, panBy, showPart, boxInPane, layout } = window.filmParts.geometry;
  const { FilmPane, FilmRegions, FilmButtons, filmButton, listen, press } = window.filmParts;
  const FIT = { zoom: 1, x: 0, y: 0 };
  const PLAIN = { view: FIT, width: 1, level: 0.5, invert: false, turns: 0, flip: false }; // 1 is the gray range
  const FIRST = { ...PLAIN, tool: "window", contour: false, compare: false, crop: [] };
  const ZOOM_STEP = 1.4;
  const BAR_PX = 56; // of the tool bar; at fit, no part of the film is under it
  const FULL_RANGE_PX = 300; // a drag that takes window or level through the whole gray range
  const KEPT = 20; // films whose state comes back when the page draws them again
  const states = new Map();
  const between = (from, to) => [to[0] - from[0], to[1] - from[1]];
  let made = 0;

  class FilmStage {
    constructor(container, options) {
      Object.assign(this, { container, options, words: options.words, ended: new AbortController() });
      this.state = states.get(options.key) ?? { ...FIRST };
      const given = JSON.stringify(options.regions); // another signature's take the place of what was marked here
      if (this.state.given !== given) Object.assign(this.state, { given, regions: options.regions });
      states.delete(options.key);
      states.set(options.key, this.state);
      if (states.size > KEPT) states.delete(states.keys().next().value);
      const regions = options.locked ? options.regions : this.state.regions;
      const full = () => this.say("max_regions", { count: options.maxRegions });
      this.regions = new FilmRegions(regions, () => this.regionsChanged(), options.maxRegions, full);
      this.crop = new FilmRegions(this.state.crop, () => this.cropChanged());
      this.build(`film-${++made}`);
      this.listen();
      this.passOn();
    }

    build(id) {
      const { container, words, options } = this;
      const channels = ["R", "G", "B"].map((name) => `<feFunc${name} type="linear"/>`).join("");
      container.innerHTML =
        `<svg class="film-filter" aria-hidden="true"><filter id="${id}" x="0" y="0" width="1" height="1"` +
        ` color-interpolation-filters="sRGB"><feComponentTransfer>${channels}</feComponentTransfer></filter></svg>` +
        `<div class="film-stage" dir="ltr" tabindex="0" role="application" aria-describedby="${id}-help"></div>` +
        `<p class="film-help" id="${id}-help"></p><p class="film-status" role="status"></p>`;
      [, this.stage, this.help, this.status] = container.children;
      this.filter = `url("#${id}")`;
      this.channels = container.querySelectorAll("feComponentTransfer > *");
      this.stage.setAttribute("aria-label", words.film);
      this.help.textContent = words.help;
      this.pane = this.addPane(options.film, options.full);
      this.remover = filmButton("remove", words.remove, "film-remove dark");
      this.pane.element.append(this.remover);
      this.buttons = new FilmButtons(words, (name) => this.act(name));
      container.append(this.buttons.element);
    }

    addPane(film, full) {
      const pane = new FilmPane(film, full, () => this.redraw());
      pane.ready.catch(() => this.say("no_film"));
      this.stage.append(pane.element);
      return pane;
    }

    listen() {
      const { signal } = this.ended;
      listen(this.stage, this, signal);
      this.stage.addEventListener("keydown", (event) => press(this, event), { signal });
      this.remover.addEventListener("click", () => this.removeRegion(), { signal });
      document.addEventListener("fullscreenchange", () => this.redraw(), { signal });
      const sizes = new ResizeObserver(() => this.redraw());
      sizes.observe(this.stage);
      signal.addEventListener("abort", () => sizes.disconnect());
    }

    destroy() {
      this.ended.abort();
    }

    // What a drag does from here on: { move(from, to), end?(), cancel?() }. Places are in pixels of the stage.
    begin(kind, place) {
      this.buttons.open(false);
      const { shape, here } = this.at(place);
      const { view, width, level, tool } = this.state;
      const name = kind === "tool" ? tool : kind;
      if (this.marks && name === tool && shape === this.pane.shape) return this.marks.begin(view, shape, here);
      const moves = {
        pan: (from, to) => this.change({ view: panBy(this.state.view, shape, between(from, to)) }),
        zoom: (_, to) => this.zoom(zoomAt(view, shape, here, Math.exp((to[1] - place[1]) / 150))),
        pinch: (from, to, ratio) => this.zoom(panBy(zoomAt(view, shape, here, ratio), shape, between(from, to))),
        window: (from, to) => this.window(between(from, to).map((distance) => distance / FULL_RANGE_PX)),
      };
      return { move: moves[name] ?? moves.pan, cancel: () => name === "window" && this.change({ width, level }) };
    }

    // The pane at a place, and the place in it. The first pane begins where the stage does.
    at([x, y]) {
      const { offsetLeft, offsetTop } = this.panes.at(-1).element;
      const there = x >= offsetLeft && y >= offsetTop;
      const pane = there ? this.panes.at(-1) : this.pane;
      return { shape: pane.shape, here: there ? [x - offsetLeft, y - offsetTop] : [x, y] };
    }

    zoomBy(factor, place = layout(this.pane.shape).middle) {
      const { shape, here } = this.at(place);
      this.zoom(zoomAt(this.state.view, shape, here, factor));
    }

    zoom(view) {
      this.change({ view });
      this.say("zoomed", { percent: Math.round(100 * view.zoom) });
    }

    window([wider, higher]) {
      const width = clamp(this.state.width + wider, 0.02, 2);
      const level = clamp(this.state.level + higher, 0, 1);
      this.change({ width, level });
      this.say("levels", { width: Math.round(255 * width), level: Math.round(255 * level) });
    }

    // The whole film; and from there, the lungs.
    doubleTap() {
      const { field } = this.options;
      this.zoom(this.state.view.zoom > 1 || !field ? FIT : showPart(this.pane.shape, field));
    }

    act(name) {
      const { turns, flip, invert, view, contour, compare } = this.state;
      const acts = {
        zoom_in: () => this.zoomBy(ZOOM_STEP),
        zoom_out: () => this.zoomBy(1 / ZOOM_STEP),
        lungs: () => this.doubleTap(),
        actual: () => this.actualSize(),
        fit: () => this.turn({ ...PLAIN, crop: (this.crop.list = []) }),
        invert: () => this.turn({ invert: !invert }),
        rotate: () => this.turn({ turns: (turns + 1) % 4, view: { ...view, x: -view.y, y: view.x } }),
        // Mirrored as it is seen. The film is mirrored first and turned then, so its turn changes direction.
        flip: () => this.turn({ flip: !flip, turns: (4 - turns) % 4, view: { ...view, x: -view.x } }),
        contour: () => this.change({ contour: !contour }),
        compare: () => this.change({ compare: !compare }),
        full_screen: () => (this.isFull ? document.exitFullscreen() : this.container.requestFullscreen()),
      };
      if (this.unusable.includes(name)) return;
      if (acts[name]) return acts[name]();
      this.regions.chosen = this.crop.chosen = -1;
      this.change({ tool: name });
    }

    async actualSize() {
      const image = await this.pane.full().catch(() => this.say("no_full") ?? this.pane.image);
      const { unit } = layout(this.pane.shape);
      if (image) this.zoomBy(image.naturalHeight / (window.devicePixelRatio || 1) / unit / this.state.view.zoom);
    }

    turn(changes) {
      this.change(changes);
      this.passOn();
      const { turns, flip, invert, crop } = this.state;
      this.send("orientation", { turns, flip, invert, ...(crop.length && { crop: crop[0] }) });
    }

    // The page may read the orientation from the element at any time, and the regions from their field.
    passOn() {
      const { turns, flip, invert } = this.state;
      Object.assign(this.container.dataset, { turns, flip, invert });
      const named = this.options.regionsInput && document.querySelector(this.options.regionsInput);
      const field = named && (named.querySelector("input, textarea") ?? named);
      const text = JSON.stringify(this.regions.list);
      if (!field || field.value === text) return;
      field.value = text;
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }

    regionsChanged() {
      const { chosen, known, list } = this.regions;
      this.state.regions = list;
      this.passOn();
      this.send("regions", { regions: list });
      if (known) this.say("region_n", { n: chosen + 1, count: list.length });
    }

    // One part at most: the last that was drawn.
    cropChanged() {
      if (this.crop.list.length > 1) Object.assign(this.crop, { list: this.crop.list.slice(-1), chosen: 0 });
      this.turn({ crop: this.crop.list });
    }

    // The rectangles that the chosen tool draws, if it draws any.
    get marks() {
      return { region: !this.options.locked && this.regions, crop: this.crop }[this.state.tool];
    }

    removeRegion() {
      this.marks.remove();
      this.say("removed");
      this.stage.focus({ preventScroll: true });
      this.redraw();
    }

    send(name, detail) {
      this.container.dispatchEvent(new CustomEvent(`film-viewer:${name}`, { bubbles: true, detail }));
    }

    // Shown for a moment, and read by a screen reader.
    say(word, values = {}) {
      clearTimeout(this.silence);
      this.status.textContent = this.words[word].replace(/{(\w+)}/g, (_, name) => values[name]);
      this.silence = setTimeout(() => (this.status.textContent = ""), 2500);
    }

    change(changes) {
      Object.assign(this.state, changes);
      this.redraw();
    }

    get isFull() {
      return document.fullscreenElement === this.container;
    }

    get unusable() {
      const { contour, earlier, locked } = this.options;
      const full = document.fullscreenEnabled;
      const usable = { contour: contour.length, compare: earlier, region: !locked, full_screen: full };
      return Object.keys(usable).filter((name) => !usable[name]);
    }

    // Those that are shown, this film's first.
    get panes() {
      const shown = this.state.compare && Boolean(this.options.earlier);
      if (shown) this.earlier ??= this.addPane(this.options.earlier, "");
      if (this.earlier) this.earlier.element.hidden = !shown;
      return shown ? [this.pane, this.earlier] : [this.pane];
    }

    // Which film it is, and in which way it is not as it was made: left and right must not be mistaken.
    captionOf(pane) {
      const { words, state } = this;
      const which = this.panes.length > 1 && (pane === this.pane ? words.this_film : words.earlier_film);
      const turned = state.turns && `${90 * state.turns}°`;
      const changes = pane === this.pane ? [state.flip && words.flipped, turned, state.invert && words.inverted] : [];
      return [which, ...changes].filter(Boolean);
    }

    redraw() {
      this.frame ??= requestAnimationFrame(() => {
        this.frame = null;
        this.draw();
      });
    }

    draw() {
      const { state, pane, panes, regions, marks, options } = this;
      this.buttons.fold();
      const { invert, width, level } = state;
      const slope = (invert ? -1 : 1) / width;
      for (const channel of this.channels) {
        channel.setAttribute("slope", slope);
        channel.setAttribute("intercept", 0.5 - slope * level);
      }
      const stacked = this.stage.clientHeight > this.stage.clientWidth;
      this.stage.classList.toggle("stacked", stacked);
      Object.assign(pane.shape, { turns: state.turns, flip: state.flip });
      for (const one of panes) {
        one.canvas.style.filter = slope === 1 && level === 0.5 ? "none" : this.filter;
        one.caption.textContent = this.captionOf(one).join(" · ");
        one.measure(stacked && one !== panes.at(-1) ? 0 : BAR_PX);
        if (one === pane && pane.image) state.view = bound(state.view, pane.shape); // its aspect is known
        one.draw(bound(state.view, one.shape));
      }
      pane.trace(state.view, state.contour ? options.contour : [], regions, this.crop);
      this.remover.hidden = !marks?.known;
      if (marks?.known) pane.putAt(this.remover, boxInPane(state.view, pane.shape, marks.known));
      const on = ["contour", "invert", "flip", "compare"].filter((name) => state[name]);
      this.buttons.show([...on, state.tool, this.isFull && "full_screen"], this.unusable);
      this.stage.dataset.doing = state.tool;
    }
  }

  window.filmParts.FilmStage = FilmStage;
})();
