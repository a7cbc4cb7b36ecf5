// Tells the server which regions are marked; everything else of a film stays in the browser.
element.addEventListener("film-viewer:regions", (event) => trigger("marked", { regions: event.detail.regions }));
