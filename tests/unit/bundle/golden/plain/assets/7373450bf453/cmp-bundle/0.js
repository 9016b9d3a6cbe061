document.querySelector('[data-cmp-on="0"]')["onclick"] = function (event) {
show('account-modal')
};