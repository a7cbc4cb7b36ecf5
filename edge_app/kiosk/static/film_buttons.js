// The tool bar: one tab stop, arrows inside. What does not fit in one row is behind the last button.
(() => {
  const LUNG = "c-3 1-4 5-3.5 8 1.5 1 3.5 0 3.5-1z";
  const ICONS = {
    contour: '<path d="M12 4c5 0 7 3 7 7s-2 9-7 9-7-3-6-8 1-8 6-8z" stroke-dasharray="3.2 2.4"/>',
    window:
      '<circle cx="12" cy="12" r="4"/><path d="M12 8a4 4 0 0 1 0 8z" fill="currentColor"/>' +
      '<path d="M12 2v3M12 19v3M2 12h3M19 12h3M5 5l2 2M17 17l2 2M5 19l2-2M17 7l2-2"/>',
    pan: '<path d="M12 3v18M3 12h18M9 6l3-3 3 3M9 18l3 3 3-3M6 9l-3 3 3 3M18 9l3 3-3 3"/>',
    region: '<path d="M4 8V4h4M16 4h4v4M20 16v4h-4M8 20H4v-4M12 9v6M9 12h6"/>',
    invert: '<circle cx="12" cy="12" r="9"/><path d="M12 3a9 9 0 0 1 0 18z" fill="currentColor"/>',
    compare: '<path d="M3 5h8v14H3z"/><path d="M13 5h8v14h-8z" stroke-dasharray="3 2"/>',
    fit:
      `<rect x="2.5" y="4" width="19" height="16" rx="1.5"/><path d="M10.5 8${LUNG}"/>` +
      `<path transform="matrix(-1 0 0 1 24 0)" d="M10.5 8${LUNG}"/>`,
    rotate: '<path d="M19 12a7 7 0 1 1-2.5-5.4M17 2v5h-5"/>',
    crop: '<path d="M7 2v15h15M2 7h15v15"/>',
    flip: '<path d="M12 3v18" stroke-dasharray="3 2"/><path d="M9 7v10H3zM15 7v10h6z"/>',
    actual: '<path d="M5 8l2-1v10M17 8l2-1v10M12 10v.2M12 15v.2"/>',
    zoom_in: '<circle cx="10.5" cy="10.5" r="6.5"/><path d="M15.5 15.5 21 21M10.5 7.5v6M7.5 10.5h6"/>',
    zoom_out: '<circle cx="10.5" cy="10.5" r="6.5"/><path d="M15.5 15.5 21 21M7.5 10.5h6"/>',
    full_screen: '<path d="M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5"/>',
    more: '<path d="M5 12v.1M12 12v.1M19 12v.1" stroke-width="3.4"/>',
    remove: '<path d="M6 6l12 12M18 6 6 18"/>',
  };
  const BAR = Object.keys(ICONS).slice(0, -1); // in the order of their use; a region has its own button to remove it
  const PRESSED = ["window", "pan", "region", "crop", "contour", "invert", "flip", "compare", "full_screen"];
  const BUTTON_PX = 50; // with its gap

  function filmButton(name, label, className = "") {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", title: label, tabIndex: -1, className });
    button.dataset.tool = name;
    button.setAttribute("aria-label", label);
    button.innerHTML = `<svg viewBox="0 0 24 24" aria-hidden="true">${ICONS[name]}</svg><span></span>`;
    button.lastChild.textContent = label;
    return button;
  }

  class FilmButtons {
    constructor(words, act) {
      this.element = document.createElement("div");
      this.element.className = "film-tools dark"; // they lie on the black around the film, in both themes
      this.element.setAttribute("role", "toolbar");
      this.element.setAttribute("aria-label", words.tools);
      this.buttons = BAR.map((name) => filmButton(name, words[name]));
      this.more = this.buttons.at(-1);
      this.element.append(...this.buttons);
      this.reach(this.buttons[0]);
      this.element.addEventListener("keydown", (event) => this.key(event));
      this.element.addEventListener("click", (event) => {
        const button = event.target.closest("button");
        if (!button) return;
        this.reach(button);
        if (button === this.more) this.open(!this.opened);
        else act(button.dataset.tool);
      });
    }

    // The one that Tab comes to.
    reach(button) {
      for (const other of this.buttons) other.tabIndex = other === button ? 0 : -1;
    }

    key(event) {
      const shown = this.buttons.filter((button) => !button.hidden);
      const forth = getComputedStyle(this.element).direction === "rtl" ? -1 : 1;
      const step = { ArrowRight: forth, ArrowLeft: -forth, ArrowDown: 1, ArrowUp: -1 }[event.key];
      const to = { Home: 0, End: shown.length - 1 }[event.key] ?? shown.indexOf(document.activeElement) + step;
      if (event.key === "Escape") return this.open(false);
      if (Number.isNaN(to)) return;
      event.preventDefault();
      const next = shown[(to + shown.length) % shown.length];
      this.reach(next);
      next.focus();
    }

    open(opened) {
      this.opened = opened;
      this.element.classList.toggle("open", opened);
      this.more.setAttribute("aria-expanded", opened);
      this.fold();
    }

    fold() {
      const room = Math.floor((this.element.parentElement.clientWidth - 8) / BUTTON_PX) - 1;
      this.buttons.forEach((button, place) => (button.hidden = !this.opened && place >= room && button !== this.more));
      if (this.buttons.some((button) => button.hidden && button.tabIndex === 0)) this.reach(this.more);
    }

    // `on`: names of those that are pressed; `off`: of those that cannot be used now.
    show(on, off) {
      for (const button of this.buttons) {
        const name = button.dataset.tool;
        if (PRESSED.includes(name)) button.setAttribute("aria-pressed", on.includes(name));
        button.setAttribute("aria-disabled", off.includes(name));
      }
    }
  }

  window.filmParts = { FilmButtons, filmButton }; // the first of these files: they load in the order of their names
})();
