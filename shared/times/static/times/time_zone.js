// Tells the server which zone this browser is in. A page that was shown in another zone is
// reloaded, unless it is the answer to a form.
"use strict";

{
  const { shown, mayReload } = document.currentScript.dataset;
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const cookie = `time_zone=${zone}`;
  const isKept = () => document.cookie.split("; ").includes(cookie);
  if (zone && zone !== shown && !isKept()) {
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `${cookie}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
    // If the cookie isn't kept, or the server doesn't know the zone, it would reload forever.
    if (mayReload !== undefined && isKept()) location.reload();
  }
}
