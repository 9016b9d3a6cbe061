;/*!
A phone for tests, Copyright (C) 2026 Nobody

one.js
Copyright (C) 2026 Nobody

phone.css, MIT License
*/
function one(){return["one"]}
;var order=["inline"].concat(one())
;function show(e){document.getElementById(e).style.display="block"}
;"use strict";undeclared=order.concat("two")
;document.querySelector('[data-cmp-on="0"]').onclick=function(){show("account-modal")}
