// A visit just scheduled is looked at first.
"use strict";
const fresh = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
if (fresh) { fresh.tabIndex = -1; fresh.focus(); }
