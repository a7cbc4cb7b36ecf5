#!/bin/sh
# Opens the kiosk in full screen as soon as it is ready, and again whenever it is closed.
address=http://127.0.0.1:7860/

for browser in chromium chromium-browser; do
    command -v "$browser" >/dev/null && break
done
while true; do
    # It answers 200 only after the model passed its golden films; a Pi needs several seconds after power-on.
    until python3 -c "import urllib.request as u; u.urlopen('${address}health', timeout=5)" 2>/dev/null; do
        sleep 1
    done
    # No profile is kept, so no patient data stays in the browser after it closes.
    profile=$(mktemp -d /dev/shm/kiosk-browser.XXXXXX)
    # The browser's own services (updates, hints, lists of devices) look other machines up by name and ask for them
    # through a proxy: no name resolves, and the proxy is a port of this machine where nobody listens.
    "$browser" --kiosk --incognito --user-data-dir="$profile" --no-first-run --noerrdialogs --disable-infobars \
        --disable-session-crashed-bubble --disable-features=Translate,MediaRouter,DialMediaRouteProvider,OptimizationHints \
        --disable-background-networking --disable-component-update --disable-domain-reliability --disable-sync \
        --disable-quic --no-pings --password-store=basic \
        --host-resolver-rules="MAP * ~NOTFOUND, EXCLUDE 127.0.0.1" --proxy-server=127.0.0.1:9 "$address"
    rm -rf "$profile"
    sleep 1
done
