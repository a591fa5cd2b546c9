// Tells the server in which zone this browser is. A page that was shown in another one is loaded
// again, unless it is the answer to a form.
"use strict";

{
  const { shown, mayReload } = document.currentScript.dataset;
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const cookie = `time_zone=${zone}`;
  const isKept = () => document.cookie.split("; ").includes(cookie);
  if (zone && zone !== shown && !isKept()) {
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `${cookie}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
    // Where it isn't kept, or the server doesn't know the zone, it would go on for ever.
    if (mayReload !== undefined && isKept()) location.reload();
  }
}
