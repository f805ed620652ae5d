// The cookie was set on the way back from another site; a step of our own makes the browser send it (SameSite=Strict).
location.replace(document.getElementById("on").href);
