// One pane: a film on a canvas; the contour and the regions as lines over it.
(() => {
  const { clamp, toPane, boxInPane, layout } = window.filmParts.geometry;
  const BUTTON_PX = 44;

  async function loaded(url) {
    const image = new Image();
    image.src = url;
    await image.decode();
    return image;
  }

  class FilmPane {
    // `film` and `full` are addresses, of the film for display and in full resolution, or ""; `changed` is called
    // when either is there.
    constructor(film, full, changed) {
      this.element = document.createElement("div");
      this.element.className = "film-pane";
      this.element.innerHTML =
        '<canvas></canvas><svg class="film-lines" aria-hidden="true"></svg><span class="film-caption"></span>';
      [this.canvas, this.lines, this.caption] = this.element.children;
      this.shape = { width: 1, height: 1, bottom: 0, aspect: 1, turns: 0, flip: false };
      this.fullAddress = full;
      this.changed = changed;
      this.ready = this.show(film);
    }

    async show(address) {
      this.image = await loaded(address);
      this.shape.aspect = this.image.naturalWidth / this.image.naturalHeight;
      this.changed();
      return this.image;
    }

    // The film in full resolution, or as it is displayed where there is no more.
    full() {
      this.asked ??= this.fullAddress ? this.show(this.fullAddress) : this.ready;
      return this.asked;
    }

    measure(bottom) {
      const { width, height } = this.element.getBoundingClientRect();
      Object.assign(this.shape, { width: Math.max(1, width), height: Math.max(1, height), bottom });
    }

    draw({ zoom, x, y }) {
      const { shape, canvas, image } = this;
      const dots = window.devicePixelRatio || 1;
      const drawn = [zoom, x, y, dots, image?.naturalWidth, ...Object.values(shape)].join();
      if (!image || drawn === this.drawn) return; // a drag that changes the window draws nothing again
      this.drawn = drawn;
      canvas.width = Math.round(shape.width * dots);
      canvas.height = Math.round(shape.height * dots);
      const { across, down, unit, middle } = layout(shape);
      const size = unit * zoom * dots; // the film's height in the screen's own pixels
      // The film begins at the edge of one, so that 1:1 is not blurred.
      const half = (extent) => (extent * size) / 2;
      const centre = (of, off, extent) => Math.round((of + off * unit) * dots - half(extent)) + half(extent);
      const context = canvas.getContext("2d");
      context.imageSmoothingQuality = size < image.naturalHeight ? "high" : "low"; // "high" is slow beyond 1:1
      context.translate(centre(middle[0], x, across), centre(middle[1], y, down));
      context.rotate((shape.turns * Math.PI) / 2);
      context.scale(shape.flip ? -1 : 1, 1);
      context.drawImage(image, (-size * shape.aspect) / 2, -size / 2, size * shape.aspect, size);
      if (this.fullAddress && size > image.naturalHeight * 1.01) this.full().catch(() => {});
    }

    // Polygons and rectangles in fractions of the film; a chosen rectangle has corners to grasp.
    trace(view, contour, regions, crop) {
      const twice = (lines) => `<g class="film-halo">${lines}</g><g class="film-line">${lines}</g>`;
      const inPane = (point) => toPane(view, this.shape, point).map((end) => end.toFixed(1));
      const polygon = (points) => `<polygon class="film-contour" points="${points.map(inPane).join(" ")}"/>`;
      const boxes = (name, { list, chosen }) => list.map((box, place) => {
        const [l, t, r, b] = boxInPane(view, this.shape, box).map(Math.round);
        const corners = place === chosen ? [[l, t], [r, t], [l, b], [r, b]] : [];
        const grips = corners.map(([x, y]) => `<path class="film-grip" d="M${x - 5} ${y - 5}h10v10h-10z"/>`);
        const kind = `${name}${place === chosen ? " chosen" : ""}`;
        return twice(`<rect class="${kind}" x="${l}" y="${t}" width="${r - l}" height="${b - t}"/>`) + grips.join("");
      });
      const drawn = [...boxes("film-region", regions), ...boxes("film-crop", crop)];
      this.lines.innerHTML = twice(contour.map(polygon).join("")) + drawn.join("");
    }

    // A button at a box's upper right corner, always in the pane.
    putAt(button, [, top, right]) {
      button.style.left = `${clamp(right + 8, 0, this.shape.width - BUTTON_PX)}px`;
      button.style.top = `${clamp(top - BUTTON_PX - 8, 0, this.shape.height - BUTTON_PX)}px`;
    }
  }

  window.filmParts.FilmPane = FilmPane;
})();
