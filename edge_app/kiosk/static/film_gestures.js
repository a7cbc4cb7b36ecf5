// Pointers and wheel become gestures, with the bindings that hands know from OHIF: the left button or one finger
// is the chosen tool, the middle button moves, the right one zooms, two fingers move and zoom, the wheel zooms at
// the pointer, a double click fits.
(() => {
  const KINDS = ["tool", "pan", "zoom"]; // by mouse button
  const TAP_MS = 350;
  const TAP_PX = 12;

  const between = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);
  const middle = (a, b) => [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];

  // `viewer.begin(kind, place)` gives { move(from, to), end?(), cancel?() }; places are in pixels of the stage.
  function listen(stage, viewer, signal) {
    const pointers = new Map();
    let gesture = null;
    let down = null;
    let lastTap = { at: 0, place: [0, 0] };
    const on = (target, type, act) => target.addEventListener(type, act, { signal, passive: false });
    const placeOf = ({ clientX, clientY }) => {
      const { left, top } = stage.getBoundingClientRect();
      return [clientX - left, clientY - top];
    };

    function stop(how) {
      gesture?.[how]?.();
      gesture = null;
      viewer.redraw();
    }

    function release(event, how) {
      if (!pointers.delete(event.pointerId)) return;
      stop(how);
      if (how === "end" && !pointers.size) tapped(event);
    }

    function tapped(event) {
      const place = placeOf(event);
      if (!down || down.kind !== "tool" || between(place, down.place) > TAP_PX) return;
      const twice = event.timeStamp - lastTap.at < TAP_MS && between(place, lastTap.place) < 2 * TAP_PX;
      lastTap = { at: twice ? 0 : event.timeStamp, place };
      if (twice) viewer.doubleTap();
    }

    // Two fingers: what lies between them stays there.
    function pinch() {
      const [first, second] = pointers.values();
      const drag = viewer.begin("pinch", middle(first, second));
      const move = () => {
        const [a, b] = pointers.values();
        drag.move(middle(first, second), middle(a, b), between(a, b) / Math.max(1, between(first, second)));
      };
      return { ...drag, move };
    }

    on(stage, "pointerdown", (event) => {
      if (event.target.closest("button")) return;
      stage.setPointerCapture(event.pointerId);
      pointers.set(event.pointerId, placeOf(event));
      if (pointers.size === 1) {
        down = { place: placeOf(event), kind: KINDS[event.button] };
        gesture = down.kind ? viewer.begin(down.kind, down.place) : null;
      } else if (pointers.size === 2) {
        stop("cancel");
        down = null; // not a tap
        gesture = pinch();
      }
    });
    on(stage, "pointermove", (event) => {
      const from = pointers.get(event.pointerId);
      if (!from) return;
      if (!event.buttons) return release(event, "cancel"); // let go of where the page could not see it
      pointers.set(event.pointerId, placeOf(event));
      gesture?.move(from, placeOf(event));
      viewer.redraw();
    });
    on(stage, "pointerup", (event) => release(event, "end"));
    on(stage, "pointercancel", (event) => release(event, "cancel"));
    on(stage, "lostpointercapture", (event) => release(event, "cancel"));
    on(window, "blur", () => {
      pointers.clear();
      stop("cancel");
    });
    on(stage, "wheel", (event) => {
      event.preventDefault();
      const step = Math.min(300, Math.max(-300, event.deltaY * (event.deltaMode ? 33 : 1)));
      viewer.zoomBy(Math.exp(-step * (event.ctrlKey ? 0.01 : 0.0015)), placeOf(event)); // Ctrl: a touch pad's pinch
    });
    on(stage, "contextmenu", (event) => event.preventDefault());
    on(stage, "mousedown", (event) => {
      if (event.target.closest("button")) return;
      event.preventDefault(); // no selection, no scrolling by the middle button
      stage.focus({ preventScroll: true });
    });
  }

  window.filmParts.listen = listen;
})();
